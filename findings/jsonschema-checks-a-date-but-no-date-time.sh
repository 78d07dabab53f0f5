#!/usr/bin/env bash
# jsonschema with FormatChecker() checks "date", accepts any "date-time", and refuses a valid
# "time"
#
# Version: jsonschema 4.26.0
# Guess:   format is ignored without a format_checker. With FormatChecker(), as the documentation
#          shows, all formats of the draft are checked.
# Seen:    "date", "uuid" and "ipv4" are. "date-time", "uri" and "duration" accept "tomorrow", as
#          their checks are registered only if other packages are installed. "time" is that of
#          draft 3: 12:00:00Z, which RFC 3339 demands, is refused, and 12:00:00, which it does not
#          know, is accepted. Draft202012Validator.FORMAT_CHECKER does not check "time" at all.
# Source:  jsonschema documentation, Validating Formats (the table of packages; extra "format");
#          jsonschema/_format.py, _checks_drafts and is_draft3_time
# Matters: The test of a form's schema tries a bad date and is satisfied. Deadlines that are no
#          times go into the case, and the one field with a time of day refuses what a browser's
#          picker or isoformat() of an aware time gives.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    jsonschema==4.26.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from jsonschema import Draft202012Validator, FormatChecker

print("jsonschema", version("jsonschema"))
CHECKERS = {"FormatChecker()": FormatChecker(), "FORMAT_CHECKER": Draft202012Validator.FORMAT_CHECKER}
for format, value in (
    ("date", "tomorrow"),
    ("uuid", "tomorrow"),
    ("ipv4", "tomorrow"),
    ("date-time", "tomorrow"),
    ("duration", "tomorrow"),
    ("uri", "not a uri"),
    ("time", "12:00:00"),
    ("time", "12:00:00Z"),
):
    outcome = {
        name: "valid" if Draft202012Validator({"format": format}, format_checker=checker).is_valid(value) else "refused"
        for name, checker in CHECKERS.items()
    }
    print(f"{format:9} {value:10} {outcome}")
PY

cat >"$work/seen" <<'TXT'
jsonschema 4.26.0
date      tomorrow   {'FormatChecker()': 'refused', 'FORMAT_CHECKER': 'refused'}
uuid      tomorrow   {'FormatChecker()': 'refused', 'FORMAT_CHECKER': 'refused'}
ipv4      tomorrow   {'FormatChecker()': 'refused', 'FORMAT_CHECKER': 'refused'}
date-time tomorrow   {'FormatChecker()': 'valid', 'FORMAT_CHECKER': 'valid'}
duration  tomorrow   {'FormatChecker()': 'valid', 'FORMAT_CHECKER': 'valid'}
uri       not a uri  {'FormatChecker()': 'valid', 'FORMAT_CHECKER': 'valid'}
time      12:00:00   {'FormatChecker()': 'valid', 'FORMAT_CHECKER': 'valid'}
time      12:00:00Z  {'FormatChecker()': 'refused', 'FORMAT_CHECKER': 'valid'}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
