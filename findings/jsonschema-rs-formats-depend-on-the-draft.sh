#!/usr/bin/env bash
# jsonschema-rs checks formats or not by the $schema line, and without one it does not
#
# Version: jsonschema-rs 0.61.0 beside jsonschema 4.26.0 and fastjsonschema 2.22.3
# Guess:   format is either an annotation or checked, one or the other for the library; jsonschema
#          never checks it without a format_checker.
# Seen:    With draft-07 or older in $schema "date" and "email" are checked, with 2020-12 (the
#          default without $schema) they are not. "uuid" and "duration" came later and are checked
#          in neither. fastjsonschema always checks the ones that it knows. validate_formats=True
#          turns them on in all drafts.
# Source:  jsonschema-rs README, "Validation" and argument validate_formats; JSON Schema 2020-12
#          Validation, 7.2.1
# Matters: Moving a form's schema from draft-07 to 2020-12, or leaving out the line because it
#          "does nothing", switches the checks off, and the same schema means different things in
#          two services.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    jsonschema-rs==0.61.0 jsonschema==4.26.0 fastjsonschema==2.22.3

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

print("jsonschema-rs", version("jsonschema-rs"))
LINES = {
    "draft-07": {"$schema": "http://json-schema.org/draft-07/schema#"},
    "2020-12": {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    "no $schema": {},
}


def fast(schema, value):
    try:
        fastjsonschema.compile(schema)(value)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


for format in ("date", "email", "uuid"):
    for draft, line in LINES.items():
        schema = {**line, "format": format}
        print(
            f"{format:6} {draft:11}",
            "jsonschema-rs:", jsonschema_rs.is_valid(schema, "tomorrow"),
            "with validate_formats:", jsonschema_rs.is_valid(schema, "tomorrow", validate_formats=True),
            "jsonschema:", jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)(schema).is_valid("tomorrow"),
            "fastjsonschema:", fast(schema, "tomorrow"),
        )
PY

cat >"$work/seen" <<'TXT'
jsonschema-rs 0.61.0
date   draft-07    jsonschema-rs: False with validate_formats: False jsonschema: True fastjsonschema: False
date   2020-12     jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
date   no $schema  jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
email  draft-07    jsonschema-rs: False with validate_formats: False jsonschema: True fastjsonschema: False
email  2020-12     jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
email  no $schema  jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
uuid   draft-07    jsonschema-rs: True with validate_formats: True jsonschema: True fastjsonschema: True
uuid   2020-12     jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
uuid   no $schema  jsonschema-rs: True with validate_formats: False jsonschema: True fastjsonschema: False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
