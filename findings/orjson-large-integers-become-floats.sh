#!/usr/bin/env bash
# orjson reads an integer of more than 64 bits as a float, while it refuses to write one
#
# Version: orjson 3.13.0 beside json, msgspec 0.22.0 and ijson 3.6.0
# Guess:   Python ints have no limit, so it reads what json reads; or, since orjson.dumps(2**64)
#          raises, loads raises as well.
# Seen:    orjson.loads("18446744073709551617") is the float 1.8446744073709552e+19, without an
#          error. json, msgspec and ijson give the exact int.
# Source:  orjson README, "int" (limits of serialization only); seen by running
# Matters: Case numbers, trace ids and amounts in minor units may be long integers. The id is
#          then equal to its neighbours (two different ids become one key), and only for the
#          large ones.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    orjson==3.13.0 msgspec==0.22.0 ijson==3.6.0

cat >"$work/probe.py" <<'PY'
import io
import json

import ijson
import msgspec
import orjson

print("orjson", orjson.__version__)
readers = {
    "json": json.loads,
    "msgspec": msgspec.json.decode,
    "ijson": lambda text: next(ijson.items(io.StringIO(text), "")),
    "orjson": orjson.loads,
}
for name, read in readers.items():
    print(f"{name:8}", repr(read(str(2**64 - 1))), repr(read(str(2**64 + 1))))
print("two ids are one key:", len({orjson.loads(str(2**64 + n)) for n in range(3)}) == 1)
try:
    orjson.dumps(2**64)
except TypeError as error:
    print("writing:", error)
PY

cat >"$work/seen" <<'TXT'
orjson 3.13.0
json     18446744073709551615 18446744073709551617
msgspec  18446744073709551615 18446744073709551617
ijson    18446744073709551615 18446744073709551617
orjson   18446744073709551615 1.8446744073709552e+19
two ids are one key: True
writing: Integer exceeds 64-bit range
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
