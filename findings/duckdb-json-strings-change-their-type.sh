#!/usr/bin/env bash
# DuckDB turns JSON strings into dates and UUIDs, and a mixed column into quoted text
#
# Version: duckdb 2.0.1
# Guess:   JSON has types, so a string is VARCHAR; detection is for CSV. A field with a number in
#          one line and a string in another is text, or an error.
# Seen:    A field whose strings all look like a date or UUID gets that type, so one line more
#          changes the type of the column. An integer beyond 64 bits becomes DOUBLE. A mixed
#          field gets the type JSON: Python receives '1' and '"a"', with the quotes as part of
#          the text.
# Source:  DuckDB documentation, JSON loading (automatic detection of types); seen by running
# Matters: Event logs and exports of queues are JSON lines. reference == "2026-01-02" is true on
#          one day's file and false on another's, and ids no longer match those in the
#          application.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    duckdb==2.0.1

cat >"$work/probe.py" <<'PY'
import json
from pathlib import Path

import duckdb


def show(label, *records):
    Path("events.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    relation = duckdb.sql("SELECT * FROM 'events.jsonl'")
    print(f"{label}: {relation.types[0]}", [row[0] for row in relation.fetchall()])


print("duckdb", duckdb.__version__)
show("references", {"v": "2026-01-02"}, {"v": "2026-01-03"})
show("one more   ", {"v": "2026-01-02"}, {"v": "2026-01-03"}, {"v": "2026-99"})
show("uuids      ", {"v": "6f1a3c1e-0000-4000-8000-000000000001"})
show("long ids   ", {"v": 12345678901234567890123})
show("mixed      ", {"v": 1}, {"v": "a"})
PY

cat >"$work/seen" <<'TXT'
duckdb 2.0.1
references: DATE [datetime.date(2026, 1, 2), datetime.date(2026, 1, 3)]
one more   : VARCHAR ['2026-01-02', '2026-01-03', '2026-99']
uuids      : UUID [UUID('6f1a3c1e-0000-4000-8000-000000000001')]
long ids   : DOUBLE [1.2345678901234568e+22]
mixed      : JSON ['1', '"a"']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
