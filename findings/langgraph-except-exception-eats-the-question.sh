#!/usr/bin/env bash
# `except Exception` around a LangGraph interrupt() ends the run as if nobody had to be asked
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   Suspending is control flow, like asyncio.CancelledError, so it is a BaseException that
#          such a handler does not catch; or the runtime notices that interrupt() was called and
#          did not suspend.
# Seen:    GraphInterrupt is an Exception. The handler's result is stored, invoke() returns
#          without __interrupt__, next is empty: the run is finished and the question was never
#          asked.
# Source:  langgraph documentation, Interrupts, "Do not wrap interrupt calls in bare try/except";
#          langgraph/errors.py, GraphBubbleUp(Exception)
# Matters: Tools that call services are wrapped in try/except by habit (and by linters' advice).
#          An approval inside becomes the error path, and the error path is often "go on
#          without".
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 langgraph-checkpoint==4.3.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version
from typing import TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class State(TypedDict, total=False):
    outcome: str


def node(state):
    try:
        return {"outcome": interrupt("delete the account?")}
    except Exception as error:
        return {"outcome": f"handled {type(error).__name__}, went on"}


graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=InMemorySaver())
run = {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"))
print("classes:", [kind.__name__ for kind in GraphInterrupt.__mro__[:4]])
print("returned:", graph.invoke({}, run))
state = graph.get_state(run)
print("next:", state.next, "open questions:", len(state.interrupts))
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
classes: ['GraphInterrupt', 'GraphBubbleUp', 'Exception', 'BaseException']
returned: {'outcome': 'handled GraphInterrupt, went on'}
next: () open questions: 0
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
