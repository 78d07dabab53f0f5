#!/usr/bin/env bash
# A dramatiq pipeline passes the result as the last positional argument, a Celery chain as the
# first
#
# Version: dramatiq 2.2.1, celery 5.6.3
# Guess:   As in Celery, the previous result comes first: charge(account, amount) as the second
#          step with message(10) gets charge(account, 10).
# Seen:    dramatiq appends it: the step is called with (10, account). The same two functions
#          moved from one library to the other are called with swapped arguments, which goes
#          unnoticed if both have the same type.
# Source:  dramatiq, dramatiq/middleware/pipelines.py, Pipelines.after_process_message (args +
#          (result,)); celery, celery/canvas.py, Signature._merge
# Matters: Steps of an agent's work are often moved between queues: amount and account, or source
#          and target, trade places.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dramatiq==2.2.1 celery==5.6.3

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import dramatiq
from celery import Celery, chain
from dramatiq.brokers.stub import StubBroker
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend

print("dramatiq", version("dramatiq"), "celery", version("celery"))


def find_account():
    return 4711


def charge(*arguments):
    return f"charge{arguments}"


app = Celery()
app.conf.task_always_eager = True
celery_find, celery_charge = app.task(find_account), app.task(charge)
print("celery:  ", chain(celery_find.s(), celery_charge.s(10)).apply().get())

broker = StubBroker()
broker.add_middleware(Results(backend=StubBackend()))
dramatiq.set_broker(broker)
dramatiq_find = dramatiq.actor(find_account, store_results=True)
dramatiq_charge = dramatiq.actor(charge, store_results=True)
worker = dramatiq.Worker(broker, worker_timeout=50)
worker.start()
steps = dramatiq.pipeline([dramatiq_find.message(), dramatiq_charge.message(10)])
print("dramatiq:", steps.run().get_result(block=True, timeout=10_000))
worker.stop()
PY

cat >"$work/seen" <<'TXT'
dramatiq 2.2.1 celery 5.6.3
celery:   charge(4711, 10)
dramatiq: charge(10, 4711)
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
