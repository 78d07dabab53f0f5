#!/usr/bin/env bash
# Temporal keeps bytes as bytes at the top level and turns them into a list of numbers inside a
# dict
#
# Version: temporalio 1.35.0 (the default data converter, no server)
# Guess:   Either nested bytes raise, as a nested date does, or they are encoded in a way that is
#          decoded again.
# Seen:    b"xy" alone is stored as binary and comes back as bytes. {"file": b"xy"} is written as
#          {"file":[120,121]} and comes back as a list of ints, without an error, unless the
#          receiver's type hint says bytes at that place.
# Source:  temporalio, temporalio/converter, AdvancedJSONEncoder.default (an iterable becomes a
#          list) and BinaryPlainPayloadConverter
# Matters: Arguments of activities and agents' tools are dicts of anything. An attachment arrives
#          as a list of numbers, several times as long, and the code that expects bytes fails in
#          another worker than the one that sent it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    temporalio==1.35.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from temporalio.converter import default

converter = default().payload_converter


def round_trip(value, hint=None):
    payloads = converter.to_payloads([value])
    back = converter.from_payloads(payloads, [hint] if hint else None)[0]
    return f"{payloads[0].metadata['encoding'].decode()} {payloads[0].data!r} -> {back!r}"


print("temporalio", version("temporalio"))
print("bytes alone:    ", round_trip(b"xy"))
print("in a dict:      ", round_trip({"file": b"xy"}))
print("dict[str, bytes]", round_trip({"file": b"xy"}, dict[str, bytes]))
PY

cat >"$work/seen" <<'TXT'
temporalio 1.35.0
bytes alone:     binary/plain b'xy' -> b'xy'
in a dict:       json/plain b'{"file":[120,121]}' -> {'file': [120, 121]}
dict[str, bytes] json/plain b'{"file":[120,121]}' -> {'file': b'xy'}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
