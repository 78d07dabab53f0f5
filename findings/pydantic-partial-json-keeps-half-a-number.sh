#!/usr/bin/env bash
# pydantic's partial JSON drops a half-received text and passes on a half-received number
#
# Version: pydantic 2.14.4 (pydantic_core.from_json)
# Guess:   With allow_partial=True values that are not complete are left out: the key appears
#          when its value has ended.
# Seen:    That holds for strings, true, false and null. A number at the end of the input is
#          taken as it stands: of {"amount": 1200 one sees 1, 12, 120 and then 1200; 12. (before
#          12.5) is left out again, so the field comes and goes.
# Source:  pydantic documentation, JSON, "Partial JSON Parsing"; jiter, the parser behind
#          pydantic_core.from_json
# Matters: Streams of model output are validated piece by piece to act early or to show a form.
#          An amount of 12 passes a limit of 100, and 1200 arrives later.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
import pydantic
from pydantic_core import from_json

print("pydantic", pydantic.VERSION)
for text in ('{"amount": 1200, ', '{"amount": 12.5, ', '{"paid": false, ', '{"name": "Ann", '):
    start = text.index(":") + 2
    print(text.strip(), "->", [from_json(text[:end], allow_partial=True) for end in range(start + 1, len(text))])
PY

cat >"$work/seen" <<'TXT'
pydantic 2.14.4
{"amount": 1200, -> [{'amount': 1}, {'amount': 12}, {'amount': 120}, {'amount': 1200}, {'amount': 1200}]
{"amount": 12.5, -> [{'amount': 1}, {'amount': 12}, {}, {'amount': 12.5}, {'amount': 12.5}]
{"paid": false, -> [{}, {}, {}, {}, {'paid': False}, {'paid': False}]
{"name": "Ann", -> [{}, {}, {}, {}, {'name': 'Ann'}, {'name': 'Ann'}]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
