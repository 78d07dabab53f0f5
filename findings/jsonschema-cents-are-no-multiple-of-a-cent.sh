#!/usr/bin/env bash
# jsonschema rejects 19.99 for "multipleOf": 0.01, two other validators accept it
#
# Version: jsonschema 4.26.0 beside jsonschema-rs 0.61.0 and fastjsonschema 2.22.3
# Guess:   multipleOf 0.01 is how a schema says "an amount with two decimals", and validators
#          make allowance for binary fractions: the specification speaks of the numbers, not of
#          doubles.
# Seen:    jsonschema computes with floats: 19.99, 0.07 and 4.35 are invalid, 1.1 and 10.5 are
#          valid. jsonschema-rs and fastjsonschema accept all of them and reject 19.999. Parsed
#          as Decimal the instance and the schema are valid in jsonschema too.
# Source:  jsonschema, jsonschema/_keywords.py, multipleOf; JSON Schema 2020-12 Validation, 6.2.1
# Matters: Schemas of tools and cases describe amounts. Whether an agent's output is sent back as
#          invalid depends on the amount and on which library stands on that side.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    jsonschema==4.26.0 jsonschema-rs==0.61.0 fastjsonschema==2.22.3

cat >"$work/probe.py" <<'PY'
import json
from decimal import Decimal
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

TEXT = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "number", "multipleOf": 0.01}'
schema, exact = json.loads(TEXT), json.loads(TEXT, parse_float=Decimal)
fast = fastjsonschema.compile(schema)


def by_fastjsonschema(amount):
    try:
        fast(amount)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


print("jsonschema", version("jsonschema"))
for text in ("19.99", "0.07", "4.35", "1.1", "10.5", "19.999"):
    amount = json.loads(text)
    print(
        f"{text:6}",
        "jsonschema:", jsonschema.Draft202012Validator(schema).is_valid(amount),
        "with Decimal:", jsonschema.Draft202012Validator(exact).is_valid(Decimal(text)),
        "jsonschema-rs:", jsonschema_rs.is_valid(schema, amount),
        "fastjsonschema:", by_fastjsonschema(amount),
    )
PY

cat >"$work/seen" <<'TXT'
jsonschema 4.26.0
19.99  jsonschema: False with Decimal: True jsonschema-rs: True fastjsonschema: True
0.07   jsonschema: False with Decimal: True jsonschema-rs: True fastjsonschema: True
4.35   jsonschema: False with Decimal: True jsonschema-rs: True fastjsonschema: True
1.1    jsonschema: True with Decimal: True jsonschema-rs: True fastjsonschema: True
10.5   jsonschema: True with Decimal: True jsonschema-rs: True fastjsonschema: True
19.999 jsonschema: False with Decimal: False jsonschema-rs: False fastjsonschema: False
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
