#!/usr/bin/env bash
# httpx's iter_lines() breaks a valid JSON line in two at a character inside of a string
#
# Version: httpx 0.28.1, httpx2 2.16.2, requests 2.34.2
# Guess:   A line ends at a line feed, as the JSON Lines format says; a text within quotes comes
#          through whole.
# Seen:    Lines also end at U+2028, U+2029, U+0085 as for str.splitlines(), and JSON strings may
#          hold all three unescaped: JSON.stringify() and json.dumps(ensure_ascii=False) write them
#          so. One record of a stream comes as two lines, neither of which is JSON. requests'
#          iter_lines() without decoding splits bytes, and gives one.
# Source:  httpx, httpx/_decoders.py, LineDecoder; httpx-sse, issue 34 "Incorrect newline parsing"
#          (since then it splits lines itself); RFC 8259, section 7 (which characters a string has
#          to escape)
# Matters: Texts that people paste from office programs and web pages hold U+2028. An agent's
#          stream of events breaks off at that customer, or, where bad lines are skipped, loses
#          just that record.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    httpx==0.28.1 httpx2==2.16.2 requests==2.34.2

cat >"$work/probe.py" <<'PY'
import io
import json
from importlib.metadata import version

import httpx
import httpx2
import requests


def by_httpx(body, package):
    transport = package.MockTransport(lambda request: package.Response(200, content=body))
    with package.Client(transport=transport) as client, client.stream("GET", "http://service/") as response:
        return list(response.iter_lines())


def by_requests(body):
    response = requests.Response()
    response.raw = io.BytesIO(body)
    return [line.decode() for line in response.iter_lines()]


def told(lines):
    def whole(line):
        try:
            json.loads(line)
        except ValueError:
            return "no JSON"
        return "JSON"

    return ", ".join(map(whole, lines))


print(*(f"{name} {version(name)}" for name in ("httpx", "httpx2", "requests")))
for name, character in (("U+2028", "\u2028"), ("U+2029", "\u2029"), ("U+0085", "\u0085"), ("U+00A0", "\u00a0")):
    body = json.dumps({"case": 7, "text": f"Dear{character}Ann"}, ensure_ascii=False).encode() + b"\n"
    print(f"{name}: httpx {told(by_httpx(body, httpx))}; httpx2 {told(by_httpx(body, httpx2))};", end=" ")
    print(f"requests {told(by_requests(body))}; bytes split at line feeds: {told(body.decode().split(chr(10))[:-1])}")
PY

cat >"$work/seen" <<'TXT'
httpx 0.28.1 httpx2 2.16.2 requests 2.34.2
U+2028: httpx no JSON, no JSON; httpx2 no JSON, no JSON; requests JSON; bytes split at line feeds: JSON
U+2029: httpx no JSON, no JSON; httpx2 no JSON, no JSON; requests JSON; bytes split at line feeds: JSON
U+0085: httpx no JSON, no JSON; httpx2 no JSON, no JSON; requests JSON; bytes split at line feeds: JSON
U+00A0: httpx JSON; httpx2 JSON; requests JSON; bytes split at line feeds: JSON
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
