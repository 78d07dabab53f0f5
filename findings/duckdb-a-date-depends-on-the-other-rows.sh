#!/usr/bin/env bash
# DuckDB reads "03/04/2026" as 3 April or as 4 March, depending on another row of the file
#
# Version: duckdb 2.0.1
# Guess:   A date in an ambiguous format stays text or is read in one fixed order; files of the
#          same export are read alike.
# Seen:    The format is guessed per file from the rows that it sees. With 05/06/2026 beside it
#          the value is 3 April (day first); with 05/26/2026 it is 4 March. Both are DATE
#          columns, without a warning.
# Source:  DuckDB documentation, CSV auto-detection (dateformat detection); seen by running
# Matters: Imports of cases come as daily files of one system. Each day on which no date settles
#          the order is read the other way round, and deadlines move by months.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    duckdb==2.0.1

cat >"$work/probe.py" <<'PY'
from pathlib import Path

import duckdb

print("duckdb", duckdb.__version__)
for other in ("05/06/2026", "05/26/2026"):
    Path("cases.csv").write_text(f"case,due\n1,03/04/2026\n2,{other}\n")
    relation = duckdb.sql("SELECT * FROM 'cases.csv'")
    print(f"beside {other}: {relation.types[1]}", relation.fetchall()[0][1].isoformat())
PY

cat >"$work/seen" <<'TXT'
duckdb 2.0.1
beside 05/06/2026: DATE 2026-04-03
beside 05/26/2026: DATE 2026-03-04
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
