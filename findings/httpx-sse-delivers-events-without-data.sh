#!/usr/bin/env bash
# httpx-sse delivers a message for an SSE block that has no data
#
# Version: httpx-sse 0.4.3, httpx 0.28.1
# Guess:   As browsers do, following the HTML standard: a block without a data line (only event,
#          id or retry) dispatches nothing.
# Seen:    "retry: 3000" alone comes out as a message with data "", and so does "event: ping";
#          event.json() raises on it.
# Source:  HTML standard, Server-sent events, "If the data buffer is an empty string ... return";
#          httpx-sse, httpx_sse/_decoders.py, SSEDecoder.decode
# Matters: Agents and MCP stream over SSE. A server that sends a retry hint or a named keep-alive
#          makes the reader fail in json(), in a way that the same page in a browser does not
#          show.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    httpx-sse==0.4.3 httpx==0.28.1

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import httpx
from httpx_sse import connect_sse

print("httpx-sse", version("httpx-sse"))


def read(body):
    def answer(request):
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        with connect_sse(client, "GET", "http://localhost/") as source:
            return [(event.event, event.data) for event in source.iter_sse()]


for label, body in (
    ("data only   ", b'data: {"n": 1}\n\n'),
    ("retry hint  ", b'retry: 3000\n\ndata: {"n": 1}\n\n'),
    ("named ping  ", b'event: ping\n\ndata: {"n": 1}\n\n'),
):
    print(label, read(body))
PY

cat >"$work/seen" <<'TXT'
httpx-sse 0.4.3
data only    [('message', '{"n": 1}')]
retry hint   [('message', ''), ('message', '{"n": 1}')]
named ping   [('ping', ''), ('message', '{"n": 1}')]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
