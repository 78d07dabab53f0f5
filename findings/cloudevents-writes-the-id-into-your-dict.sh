#!/usr/bin/env bash
# Two CloudEvents made from one dict of attributes get the same id
#
# Version: cloudevents 2.2.0
# Guess:   CloudEvent(attributes, data) copies the attributes and gives each event an id of its
#          own if none is set.
# Seen:    The generated id and time are written into the caller's dict. The second event made
#          from the same dict (a constant with type and source) has the id and time of the first.
# Source:  cloudevents, cloudevents/core/v1/event.py, CloudEvent.__init__ (attributes["id"] =
#          ...)
# Matters: source + id is the identity of a CloudEvent, and consumers drop repeated ones: all
#          events of a process but the first vanish as duplicates.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    cloudevents==2.2.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from cloudevents.core.v1.event import CloudEvent

print("cloudevents", version("cloudevents"))
attributes = {"type": "case.closed", "source": "/cases"}
first = CloudEvent(attributes, {"case": 1})
second = CloudEvent(attributes, {"case": 2})
print("the caller's dict holds:", sorted(attributes))
print("same id:", first.get_id() == second.get_id(), "same time:", first.get_time() == second.get_time())
third = CloudEvent(dict(type="case.closed", source="/cases"), {"case": 3})
print("with a fresh dict, same id:", third.get_id() == first.get_id())
PY

cat >"$work/seen" <<'TXT'
cloudevents 2.2.0
the caller's dict holds: ['id', 'source', 'specversion', 'time', 'type']
same id: True same time: True
with a fresh dict, same id: False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
