#!/usr/bin/env bash
# A Celery worker with --pool threads accepts task_time_limit and never ends a task
#
# Version: celery 5.7.0, kombu 5.7.0
# Guess:   A limit that the pool cannot keep is refused at the start, or the worker warns; the soft
#          limit, an exception raised in the task, works in any pool.
# Seen:    The worker starts without a word about them. A task with the limits of one second (hard)
#          and half a second (soft) runs for three seconds and succeeds. The pool "solo" does the
#          same.
# Source:  celery, issue 9203 "Use -P threads, the time_limit not work"; Celery documentation,
#          Workers Guide, "Time Limits" (pool support: prefork, gevent)
# Matters: The pool is changed to threads because the agents wait for models all day. The limit
#          that ended the stuck ones is still in the settings, and each call that never returns
#          takes a thread for good.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    celery==5.7.0 kombu==5.7.0

cat >"$work/probe.py" <<'PY'
import logging
import time
import warnings
from importlib.metadata import version

from celery import Celery
from celery.contrib.testing.worker import start_worker

said = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger().addHandler(handler)
warnings.showwarning = lambda message, *args, **kwargs: said.append(str(message))
app = Celery("probe", broker="memory://", backend="cache+memory://")
app.conf.update(task_time_limit=1, task_soft_time_limit=0.5, worker_hijack_root_logger=False)


@app.task(name="ask")
def ask():
    began = time.monotonic()
    time.sleep(3)
    return f"answered after {time.monotonic() - began:.0f} s"


print("celery", version("celery"))
for pool in ("threads", "solo"):
    with start_worker(app, pool=pool, concurrency=1, perform_ping_check=False):
        print(f"{pool}: {ask.delay().get(timeout=20)}")
print("about limits:", [message for message in said if "limit" in message.lower()])
PY

cat >"$work/seen" <<'TXT'
celery 5.7.0
threads: answered after 3 s
solo: answered after 3 s
about limits: []
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
