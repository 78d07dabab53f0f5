#!/usr/bin/env bash
# LangGraph's RetryPolicy repeats a 404 three times and does not repeat a time-out
#
# Version: langgraph 1.2.24, httpx 0.28.1, requests 2.34.2
# Guess:   RetryPolicy(max_attempts=3) without retry_on repeats what may pass by itself (time-outs,
#          broken connections, 429 and 503) and leaves a 404 alone, whichever client raised it.
# Seen:    TimeoutError is an OSError, and OSErrors are not repeated; no more are requests' Timeout
#          and ConnectionError, which are OSErrors too, and a 429 of httpx. requests' 404 is
#          repeated like every other status, since a response with an error status is false in a
#          condition. httpx's ReadTimeout is repeated.
# Source:  langgraph, issue 8802 "default_retry_on inverts requests error handling: 4xx are
#          retried, connection errors and timeouts are not"; langgraph/_internal/_retry.py,
#          default_retry_on
# Matters: A policy that was set for bad days does nothing on them: the run fails at the first
#          time-out of asyncio.wait_for() or requests. What it does repeat is a request that cannot
#          succeed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 httpx==0.28.1 requests==2.34.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version
from typing import TypedDict

import httpx
import requests
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy


class State(TypedDict):
    case: int


def of_httpx(status):
    request = httpx.Request("GET", "http://service/")
    return httpx.HTTPStatusError(str(status), request=request, response=httpx.Response(status, request=request))


def of_requests(status):
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(str(status), response=response)


def attempts(error):
    made = []

    def node(state):
        made.append(1)
        raise error

    policy = RetryPolicy(max_attempts=3, initial_interval=0.001)
    graph = StateGraph(State).add_node("node", node, retry_policy=policy).add_edge(START, "node").compile()
    try:
        graph.invoke({"case": 7})
    except type(error):
        return len(made)


print("langgraph", version("langgraph"), "with max_attempts=3")
print("TimeoutError:", attempts(TimeoutError()))
print("ConnectionResetError:", attempts(ConnectionResetError()))
print("httpx.ReadTimeout:", attempts(httpx.ReadTimeout("slow")))
print("requests.ReadTimeout:", attempts(requests.ReadTimeout()))
print("requests.ConnectionError:", attempts(requests.ConnectionError()))
for status in (404, 429, 503):
    print(f"{status}: httpx {attempts(of_httpx(status))}, requests {attempts(of_requests(status))}")
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24 with max_attempts=3
TimeoutError: 1
ConnectionResetError: 3
httpx.ReadTimeout: 3
requests.ReadTimeout: 1
requests.ConnectionError: 1
404: httpx 1, requests 3
429: httpx 1, requests 3
503: httpx 3, requests 3
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
