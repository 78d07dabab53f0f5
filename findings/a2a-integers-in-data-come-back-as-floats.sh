#!/usr/bin/env bash
# Integers in the data and metadata of an A2A message come back as floats, and long ones as
# another number
#
# Version: a2a-sdk 1.3.0, protobuf 5.29.6
# Guess:   A part's data is JSON on the wire, so {"case": 7} read into the SDK's type and written
#          again is {"case": 7}.
# Seen:    data and metadata are protobuf Value and Struct, whose only number is a double:
#          MessageToDict gives 7.0, and 9007199254740993 becomes 9007199254740992.0 without an
#          error. A string keeps its digits.
# Source:  a2a-sdk, a2a/types (a2a.proto: Part.data is google.protobuf.Value, metadata is
#          google.protobuf.Struct); protobuf documentation, struct.proto
# Matters: Case numbers and amounts travel in these fields. f"/cases/{data['case']}" asks for
#          /cases/7.0, and a long id names a different case.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    a2a-sdk==1.3.0 protobuf==5.29.6

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from a2a.types import Message, Part
from google.protobuf.json_format import MessageToDict, ParseDict

print("a2a-sdk", version("a2a-sdk"))
sent = {"case": 7, "id": 9007199254740993, "as text": "9007199254740993"}
for label, kind, field in (("Part.data", Part, "data"), ("Message.metadata", Message, "metadata")):
    received = MessageToDict(ParseDict({field: sent}, kind()))[field]
    print(label, [(key, received[key]) for key in sent])
PY

cat >"$work/seen" <<'TXT'
a2a-sdk 1.3.0
Part.data [('case', 7.0), ('id', 9007199254740992.0), ('as text', '9007199254740993')]
Message.metadata [('case', 7.0), ('id', 9007199254740992.0), ('as text', '9007199254740993')]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
