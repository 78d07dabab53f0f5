#!/usr/bin/env bash
# A plain dict with the keys __type__ and __value__ does not survive Kombu's JSON
#
# Version: kombu 5.7.0 (the serializer of Celery's messages)
# Guess:   JSON in, JSON out: a dict of strings comes back as the same dict.
# Seen:    Kombu marks dates, UUIDs, Decimals and bytes with a dict of __type__ and __value__,
#          and does not escape a dict of the caller's that looks the same. On reading,
#          {"__type__": "datetime", ...} comes back as a datetime, and an unknown type raises
#          ValueError: the sender sees no error, the receiver cannot decode the message.
# Source:  kombu, kombu/utils/json.py, JSONEncoder.default, object_hook and register_type
# Matters: Queues carry payloads that others made (tool arguments of an agent, records of another
#          system that tags its types in the same way). The message is accepted and then fails or
#          changes its type at the worker.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    kombu==5.7.0

cat >"$work/probe.py" <<'PY'
import kombu
from kombu.serialization import dumps, loads

print("kombu", kombu.__version__)
for value in (
    {"__type__": "datetime", "value": "2026-01-01"},
    {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"},
    {"__type__": "decimal", "__value__": "1.50"},
    {"__type__": "invoice", "__value__": 3},
):
    content_type, encoding, body = dumps(value, serializer="json")
    print("sent:", body)
    try:
        print("  read:", repr(loads(body, content_type, encoding)))
    except Exception as error:
        print("  read:", type(error).__name__, "caused by", type(error.__cause__).__name__)
PY

cat >"$work/seen" <<'TXT'
kombu 5.7.0
sent: {"__type__": "datetime", "value": "2026-01-01"}
  read: {'__type__': 'datetime', 'value': '2026-01-01'}
sent: {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}
  read: datetime.datetime(2026, 1, 1, 0, 0)
sent: {"__type__": "decimal", "__value__": "1.50"}
  read: Decimal('1.50')
sent: {"__type__": "invoice", "__value__": 3}
  read: DecodeError caused by NoneType
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
