#!/usr/bin/env bash
# PM4Py keeps one of an event's two relations to an object, and drops objects without events
#
# Version: pm4py 2.7.23.11
# Guess:   A valid OCEL 2.0 log that is read and written again has the same events, objects and
#          relations.
# Seen:    An event that is related to one object twice (qualifiers "opened" and "approved") keeps
#          the second relation only. An object that has no event yet is dropped, and so is an
#          event without an object. No error, no warning.
# Source:  OCEL 2.0 specification (the qualifier is part of the relation between event and
#          object); pm4py, pm4py/objects/ocel/importer/jsonocel/variants/ocel20_standard.py (a
#          dict of object ids to qualifiers, and propagate_relations_filtering)
# Matters: Open cases on which nothing has happened are missing from every count, and "who opened
#          and who approved" finds nobody who did both, which is what one looks for.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pm4py==2.7.23.11

cat >"$work/probe.py" <<'PY'
import contextlib
import io
import json
from importlib.metadata import version

with contextlib.redirect_stdout(io.StringIO()):
    import pm4py


def relation(qualifier, person="ann"):
    return {"objectId": person, "qualifier": qualifier}


def event(name, *relations):
    return {"id": name, "type": "done", "time": "2026-01-01T09:00:00Z", "attributes": [], "relationships": list(relations)}


log = {
    "objectTypes": [{"name": "person", "attributes": []}],
    "eventTypes": [{"name": "done", "attributes": []}],
    "objects": [{"id": name, "type": "person", "attributes": []} for name in ("ann", "bob", "eve")],
    "events": [event("e1", relation("opened"), relation("approved")), event("e2", relation("opened", "bob")), event("e3")],
}
with open("in.json", "w") as file:
    json.dump(log, file)
with contextlib.redirect_stdout(io.StringIO()):
    pm4py.write_ocel2_json(pm4py.read_ocel2_json("in.json"), "out.json")
print("pm4py", version("pm4py"))
for name in ("in.json", "out.json"):
    with open(name) as file:
        log = json.load(file)
    print(name)
    print("  objects:", [thing["id"] for thing in log["objects"]])
    for thing in log["events"]:
        print(" ", thing["id"], [link["qualifier"] for link in thing.get("relationships", [])])
PY

cat >"$work/seen" <<'TXT'
pm4py 2.7.23.11
in.json
  objects: ['ann', 'bob', 'eve']
  e1 ['opened', 'approved']
  e2 ['opened']
  e3 []
out.json
  objects: ['ann', 'bob']
  e1 ['approved']
  e2 ['opened']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
