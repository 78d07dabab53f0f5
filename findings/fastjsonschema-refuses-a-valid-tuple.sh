#!/usr/bin/env bash
# fastjsonschema compiles a schema that declares 2020-12 and applies older rules to it
#
# Version: fastjsonschema 2.22.3 beside jsonschema 4.26.0
# Guess:   A library that does not know a dialect refuses a schema whose $schema names it.
# Seen:    The schema is accepted. prefixItems is unknown to it and skipped, while "items":
#          false, which closes the tuple in 2020-12, means "no item" in the older drafts: the
#          valid ["a"] is refused with "must not be there". The reverse holds too: an array form
#          of items, invalid in 2020-12, works.
# Source:  fastjsonschema, fastjsonschema/__init__.py, _get_code_generator_class (an unknown
#          $schema falls to CodeGeneratorDraft2019)
# Matters: Tool schemas (MCP, OpenAPI 3.1) are 2020-12. A queue that checks results with the fast
#          library rejects what the model produced correctly.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastjsonschema==2.22.3 jsonschema==4.26.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import fastjsonschema
import jsonschema

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
print("fastjsonschema", version("fastjsonschema"), "jsonschema", version("jsonschema"))
for label, schema, value in (
    ("closed tuple", {**DIALECT, "prefixItems": [{"type": "string"}], "items": False}, ["a"]),
    ("older form of a tuple, said to be 2020-12", {**DIALECT, "items": [{"type": "string"}]}, ["a"]),
):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        reference = jsonschema.Draft202012Validator(schema).is_valid(value)
    except jsonschema.SchemaError:
        reference = "invalid schema"
    try:
        fastjsonschema.compile(schema)(value)
        fast = True
    except fastjsonschema.JsonSchemaValueException as error:
        fast = f"refused: {error.message}"
    print(f"{label}: {value} jsonschema: {reference}, fastjsonschema: {fast}")
PY

cat >"$work/seen" <<'TXT'
fastjsonschema 2.22.3 jsonschema 4.26.0
closed tuple: ['a'] jsonschema: True, fastjsonschema: refused: data must not be there
older form of a tuple, said to be 2020-12: ['a'] jsonschema: invalid schema, fastjsonschema: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
