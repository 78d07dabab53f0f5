#!/usr/bin/env bash
# openpyxl cuts a text of more than 32,767 characters and says nothing
#
# Version: openpyxl 3.1.5 beside XlsxWriter
# Guess:   A text that exceeds the limit of the format raises an error, as a control character
#          does (IllegalCharacterError).
# Seen:    The cell holds the first 32,767 characters from the moment of the assignment, without
#          a warning. XlsxWriter cuts too, but write() returns -2 for it.
# Source:  openpyxl, openpyxl/cell/cell.py, Cell.check_string ("string must never be longer than
#          32,767 characters"); XlsxWriter documentation, worksheet.write_string
# Matters: Exports of cases contain mails, transcripts and model output, often JSON: it is valid
#          in the database and cut in the reviewer's sheet, which comes back as an import.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openpyxl==3.1.5 XlsxWriter==3.3.1

cat >"$work/probe.py" <<'PY'
import json
from importlib.metadata import version

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import IllegalCharacterError

print("openpyxl", version("openpyxl"), "XlsxWriter", version("XlsxWriter"))
text = json.dumps({"transcript": "x" * 40_000})
book = openpyxl.Workbook()
book.active["A1"] = text
print("sent:", len(text), "in the cell:", len(book.active["A1"].value))
book.save("cases.xlsx")
read = openpyxl.load_workbook("cases.xlsx").active["A1"].value
try:
    json.loads(read)
except ValueError as error:
    print("read back:", len(read), type(error).__name__)
try:
    book.active["A2"] = "a\x01b"
except IllegalCharacterError as error:
    print("control character:", type(error).__name__)
other = xlsxwriter.Workbook("other.xlsx")
print("XlsxWriter's write() returns", other.add_worksheet().write(0, 0, text))
other.close()
print("read back:", len(openpyxl.load_workbook("other.xlsx").active["A1"].value))
PY

cat >"$work/seen" <<'TXT'
openpyxl 3.1.5 XlsxWriter 3.3.1
sent: 40018 in the cell: 32767
read back: 32767 JSONDecodeError
control character: IllegalCharacterError
XlsxWriter's write() returns -2
read back: 32767
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
