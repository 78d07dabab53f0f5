#!/usr/bin/env bash
# A UUID of uuid_utils has the hash of the same uuid.UUID and yet differs from it
#
# Version: uuid_utils 1.2.0 beside uuid6 2025.0.1, pydantic 2.14.4, orjson 3.13.0, Python 3.11
# Guess:   A faster uuid.uuid7() gives a uuid.UUID, or something that compares, validates and
#          serializes like one.
# Seen:    It is a class of its own: hash() is the same, == is False, so a set holds the id
#          twice; pydantic rejects it for a uuid.UUID field and orjson cannot write it.
#          uuid_utils.compat.uuid7() gives the standard class. The package uuid6 gives a
#          subclass: it compares and validates, though orjson refuses that as well.
# Source:  uuid_utils README, "Compatibility with Python UUID"; the rest seen by running
# Matters: UUIDv7 is the usual key of a queue table. An id made in the process does not match the
#          one that the database driver returns, and a lookup misses without an error.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    uuid_utils==1.2.0 uuid6==2025.0.1 pydantic==2.14.4 orjson==3.13.0

cat >"$work/probe.py" <<'PY'
import uuid
from importlib.metadata import version

import orjson
import pydantic
import uuid6
import uuid_utils
import uuid_utils.compat

print("uuid_utils", version("uuid_utils"))
field = pydantic.TypeAdapter(uuid.UUID)
for name, make in (
    ("uuid_utils.uuid7", uuid_utils.uuid7),
    ("uuid_utils.compat.uuid7", uuid_utils.compat.uuid7),
    ("uuid6.uuid7", uuid6.uuid7),
):
    made = make()
    stored = uuid.UUID(str(made))  # as a database driver returns it
    answers = [f"same hash {hash(made) == hash(stored)}", f"equal {made == stored}", f"in a set {len({made, stored})}"]
    for label, use in (("pydantic", field.validate_python), ("orjson", orjson.dumps)):
        try:
            use(made)
            answers.append(f"{label} ok")
        except (TypeError, ValueError) as error:
            answers.append(f"{label} {type(error).__name__}")
    print(f"{name}:", ", ".join(answers))
PY

cat >"$work/seen" <<'TXT'
uuid_utils 1.2.0
uuid_utils.uuid7: same hash True, equal False, in a set 2, pydantic ValidationError, orjson TypeError
uuid_utils.compat.uuid7: same hash True, equal True, in a set 1, pydantic ok, orjson ok
uuid6.uuid7: same hash True, equal True, in a set 1, pydantic ok, orjson TypeError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
