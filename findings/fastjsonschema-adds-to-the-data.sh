#!/usr/bin/env bash
# Validating with fastjsonschema writes the schema's defaults into the caller's data
#
# Version: fastjsonschema 2.22.3 beside jsonschema 4.26.0 and jsonschema-rs 0.61.0
# Guess:   Validation reads. "default" is an annotation in JSON Schema and changes nothing, as in
#          the other two.
# Seen:    Missing properties with a default are added to the dict that was passed in, nested
#          ones as well; the return value is that same dict. compile(schema, use_default=False)
#          switches it off.
# Source:  fastjsonschema documentation, compile(use_default=True); fastjsonschema/draft04.py,
#          generate_properties
# Matters: The payload that is stored, signed or compared after the check is not the one that was
#          received: a body's hash no longer fits its signature, and "priority not given" becomes
#          "priority 5".
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastjsonschema==2.22.3 jsonschema==4.26.0 jsonschema-rs==0.61.0

cat >"$work/probe.py" <<'PY'
import json
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "properties": {
        "priority": {"default": 5},
        "customer": {"type": "object", "properties": {"tags": {"default": []}}},
    },
}
print("fastjsonschema", version("fastjsonschema"))
for name, validate in (
    ("jsonschema", lambda data: jsonschema.validate(data, schema)),
    ("jsonschema-rs", lambda data: jsonschema_rs.validate(schema, data)),
    ("fastjsonschema", fastjsonschema.compile(schema)),
    ("use_default=False", fastjsonschema.compile(schema, use_default=False)),
):
    received = {"customer": {}}
    validate(received)
    print(f"{name:18}", json.dumps(received))
PY

cat >"$work/seen" <<'TXT'
fastjsonschema 2.22.3
jsonschema         {"customer": {}}
jsonschema-rs      {"customer": {}}
fastjsonschema     {"customer": {"tags": []}, "priority": 5}
use_default=False  {"customer": {}}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
