#!/usr/bin/env bash
# max_attempts=3 makes procrastinate run a job four times, max_retries=3 makes TaskIQ run it three
# times
#
# Version: procrastinate 3.10.0, taskiq 0.13.0 (SimpleRetryMiddleware), dramatiq 2.2.1
# Guess:   Attempts count all runs and retries count the runs after the first: max_attempts=3 is
#          three runs, max_retries=3 is four.
# Seen:    It is the other way round in two of them: procrastinate's
#          RetryStrategy(max_attempts=3) gives four runs, TaskIQ's max_retries=3 gives three, and
#          one if the task lacks the label retry_on_error. dramatiq's max_retries=3 gives four,
#          as expected.
# Source:  procrastinate, procrastinate/retry.py, RetryStrategy.get_retry_decision; taskiq,
#          taskiq/middlewares/simple_retry_middleware.py, SimpleRetryMiddleware.on_error;
#          dramatiq, dramatiq/middleware/retries.py
# Matters: A limit that is carried over to another queue repeats a payment once more or gives up
#          once too early. Systems that count attempts on their own disagree with the queue at
#          the last one.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    procrastinate==3.10.0 taskiq==0.13.0 dramatiq==2.2.1

cat >"$work/probe.py" <<'PY'
import asyncio
import logging
from importlib.metadata import version

import dramatiq
import procrastinate
import taskiq
from dramatiq.brokers.stub import StubBroker
from procrastinate.testing import InMemoryConnector

logging.disable(logging.CRITICAL)


async def by_procrastinate():
    app, runs = procrastinate.App(connector=InMemoryConnector()), []

    @app.task(retry=procrastinate.RetryStrategy(max_attempts=3))
    async def job():
        runs.append(1)
        raise ConnectionError

    async with app.open_async():
        await job.defer_async()
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    return len(runs)


async def by_taskiq(**labels):
    broker, runs = taskiq.InMemoryBroker().with_middlewares(taskiq.SimpleRetryMiddleware()), []

    @broker.task(max_retries=3, **labels)
    async def job():
        runs.append(1)
        raise ConnectionError

    await broker.startup()
    await (await job.kiq()).wait_result(timeout=10)
    await broker.wait_all()
    return len(runs)


def by_dramatiq():
    broker, runs = StubBroker(), []
    dramatiq.set_broker(broker)

    @dramatiq.actor(max_retries=3, min_backoff=1, max_backoff=2)
    def job():
        runs.append(1)
        raise ConnectionError

    worker = dramatiq.Worker(broker, worker_timeout=20)
    worker.start()
    job.send()
    broker.join("default", fail_fast=False, timeout=20_000)
    worker.join()
    worker.stop()
    return len(runs)


print("procrastinate", version("procrastinate"), "max_attempts=3:", asyncio.run(by_procrastinate()), "runs")
print("taskiq", version("taskiq"), "max_retries=3, retry_on_error:", asyncio.run(by_taskiq(retry_on_error=True)), "runs")
print("taskiq", version("taskiq"), "max_retries=3 alone:", asyncio.run(by_taskiq()), "runs")
print("dramatiq", version("dramatiq"), "max_retries=3:", by_dramatiq(), "runs")
PY

cat >"$work/seen" <<'TXT'
procrastinate 3.10.0 max_attempts=3: 4 runs
taskiq 0.13.0 max_retries=3, retry_on_error: 3 runs
taskiq 0.13.0 max_retries=3 alone: 1 runs
dramatiq 2.2.1 max_retries=3: 4 runs
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
