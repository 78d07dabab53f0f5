#!/usr/bin/env bash
# persist-queue's UniqueAckQ drops an item that is put again while its equal is being worked on
#
# Version: persist-queue 1.1.0
# Guess:   Unique means that an item is not waiting twice. A change that arrives while the item
#          is in work is queued again, or put() raises.
# Seen:    The item stays in the table until it is acknowledged, or cleared after that, so put()
#          of an equal one does nothing, without an error - not while it is in work and not even
#          after ack(). The second notification is lost; put() returns None in place of the id.
# Source:  persist-queue, persistqueue/sqlackqueue.py, UniqueAckQ (a unique column;
#          sqlite3.IntegrityError is swallowed)
# Matters: "Something changed on case 7" is put while the worker is looking at the old version of
#          case 7. Nobody looks at the new one.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    persist-queue==1.1.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import persistqueue

print("persist-queue", version("persist-queue"))
queue = persistqueue.UniqueAckQ("queue")


def put(when):
    before = queue.size
    result = queue.put("case 7")
    print(f"put {when}: waiting {before} -> {queue.size}, put() returned {result}")


put("at first")
put("while it waits")
item = queue.get()
put("while it is in work")
queue.ack(item)
put("after the ack")
queue.clear_acked_data(keep_latest=0, max_delete=10)
put("after clear_acked_data")
PY

cat >"$work/seen" <<'TXT'
persist-queue 1.1.0
put at first: waiting 0 -> 1, put() returned 1
put while it waits: waiting 1 -> 1, put() returned None
put while it is in work: waiting 0 -> 0, put() returned None
put after the ack: waiting 0 -> 0, put() returned None
put after clear_acked_data: waiting 0 -> 1, put() returned 2
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
