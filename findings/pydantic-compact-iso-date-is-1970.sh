#!/usr/bin/env bash
# pydantic reads the compact ISO date "20260102" as a day in August 1970
#
# Version: pydantic 2.14.4, Python 3.11
# Guess:   "20260102" is ISO 8601, which datetime.fromisoformat() reads since Python 3.11;
#          pydantic reads it or raises a validation error, as it does for the ISO week
#          "2026-W01".
# Seen:    A string of digits is taken for Unix seconds: 1970-08-23T11:48:22Z, aware, though the
#          ISO forms are naive without a zone. "2026" is 33 minutes past midnight on 1 January
#          1970. From 11 digits on (20,000,000,000) it is milliseconds.
# Source:  pydantic documentation, Datetimes ("int or float ... as Unix seconds or milliseconds"
#          also as a string); speedate, the parser of pydantic-core
# Matters: Due dates in files and forms of other systems are often compact. They pass validation
#          and are fifty years overdue, so the case escalates at once.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
from datetime import datetime

import pydantic

print("pydantic", pydantic.VERSION)
field = pydantic.TypeAdapter(datetime)
for text in ("2026-01-02", "20260102", "2026", "2026-W01", "20000000000", "20000000001"):
    answers = []
    for read in (datetime.fromisoformat, field.validate_python):
        try:
            answers.append(read(text).isoformat())
        except ValueError as error:
            answers.append(type(error).__name__)
    print(f"{text}: fromisoformat {answers[0]}, pydantic {answers[1]}")
PY

cat >"$work/seen" <<'TXT'
pydantic 2.14.4
2026-01-02: fromisoformat 2026-01-02T00:00:00, pydantic 2026-01-02T00:00:00
20260102: fromisoformat 2026-01-02T00:00:00, pydantic 1970-08-23T11:48:22+00:00
2026: fromisoformat ValueError, pydantic 1970-01-01T00:33:46+00:00
2026-W01: fromisoformat 2025-12-29T00:00:00, pydantic ValidationError
20000000000: fromisoformat ValueError, pydantic 2603-10-11T11:33:20+00:00
20000000001: fromisoformat ValueError, pydantic 1970-08-20T11:33:20.001000+00:00
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
