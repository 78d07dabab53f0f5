#!/usr/bin/env bash
# json_repair makes the truthy text 'fals' of a cut-off false, and 50 of 50%
#
# Version: json_repair 0.64.6
# Guess:   What cannot be completed is dropped or becomes null; a value that is no JSON number
#          stays text. A repair may lose data but does not reverse it.
# Seen:    {"approved": fals (cut by a token limit) gives the text 'fals', which is true in a
#          condition; `no` gives 'no', likewise true. 1e (of 1e6) gives 1, 50% gives 50 and 5
#          apples gives 5, while 1,000 stays text.
# Source:  json_repair, json_repair/parse_string.py and parse_number.py
# Matters: It stands between models and queues as "always returns something". `if
#          result["approved"]` then approves on a refusal that was cut off.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    json_repair==0.64.6

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import json_repair

print("json_repair", version("json_repair"))
for text in (
    '{"approved": false',
    '{"approved": fals',
    '{"approved": no}',
    '{"approved": nul',
    '{"amount": 1e6}',
    '{"amount": 1e',
    '{"amount": 50%}',
    '{"amount": 5 apples}',
    '{"amount": 1,000}',
):
    value = next(iter(json_repair.loads(text).values()))
    print(f"{text:22} -> {value!r}, as a condition: {bool(value)}")
PY

cat >"$work/seen" <<'TXT'
json_repair 0.64.6
{"approved": false     -> False, as a condition: False
{"approved": fals      -> 'fals', as a condition: True
{"approved": no}       -> 'no', as a condition: True
{"approved": nul       -> 'nul', as a condition: True
{"amount": 1e6}        -> 1000000.0, as a condition: True
{"amount": 1e          -> 1, as a condition: True
{"amount": 50%}        -> 50, as a condition: True
{"amount": 5 apples}   -> 5, as a condition: True
{"amount": 1,000}      -> '1,000', as a condition: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
