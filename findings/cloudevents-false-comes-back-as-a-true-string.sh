#!/usr/bin/env bash
# A CloudEvents extension that is False goes out as the text "False" and is true at the receiver
#
# Version: cloudevents 2.2.0
# Guess:   Binary HTTP mode writes a boolean as the specification says (true or false in lower
#          case), and reading it gives a bool again; or extensions are restricted to strings.
# Seen:    The header is Python's str(): "ce-urgent: False". Reading gives the string 'False',
#          which is true in a condition, and '5' for the integer 5. In structured mode (JSON)
#          both keep their types, so the same event differs by the mode of the sender.
# Source:  CloudEvents specification 1.0.2, Type System (canonical string of a Boolean);
#          cloudevents, cloudevents/core/bindings/http.py, to_binary_event and from_binary_event
# Matters: Flags and attempt counters travel as extensions. `if event.get_extension("urgent")`
#          escalates every case that comes by binary mode.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    cloudevents==2.2.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from cloudevents.core.bindings.http import (
    from_binary_event,
    from_structured_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

print("cloudevents", version("cloudevents"))
sent = CloudEvent({"type": "case.opened", "source": "/cases", "urgent": False, "attempt": 5}, {"case": 1})
for mode, write, read in (
    ("binary", to_binary_event, from_binary_event),
    ("structured", to_structured_event, from_structured_event),
):
    message = write(sent, JSONFormat())
    received = read(message, JSONFormat())
    urgent, attempt = received.get_extension("urgent"), received.get_extension("attempt")
    print(f"{mode}: header {message.headers.get('ce-urgent')}, read urgent={urgent!r} attempt={attempt!r}, urgent? {bool(urgent)}")
PY

cat >"$work/seen" <<'TXT'
cloudevents 2.2.0
binary: header False, read urgent='False' attempt='5', urgent? True
structured: header None, read urgent=False attempt=5, urgent? False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
