#!/usr/bin/env bash
# LangGraph checks a pydantic state where it is read, so the node that wrote nonsense succeeds
#
# Version: langgraph 1.2.24, pydantic 2.14.4
# Guess:   With a pydantic model as the state, what a node returns is validated and the node that
#          returns a bad value fails; the result of invoke() fits the model.
# Seen:    The write is stored unchecked. The next node fails on reading it, before its first
#          line, and so does get_state(); if the bad node is the last one, invoke() returns the
#          bad value and the run counts as finished. The result is a dict, not the model.
# Source:  langgraph documentation, Graph API, "Use Pydantic models for graph state" (known
#          limitations: validation only on inputs to nodes)
# Matters: The error is reported against the innocent node and a retry never helps: the
#          checkpoint holds the bad value, and the thread cannot even be looked at. An agent's
#          malformed output at the end of a run reaches the case as a success.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 langgraph-checkpoint==4.3.2 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, ValidationError


class State(BaseModel):
    amount: int = 0


def guess(state):
    return {"amount": "about ten"}


def book(state):
    print("book runs")
    return {}


print("langgraph", version("langgraph"))
last = StateGraph(State).add_node(guess).add_edge(START, "guess").compile()
result = last.invoke(State())
print("bad node last:", type(result).__name__, result)

builder = StateGraph(State).add_node(guess).add_node(book).add_edge(START, "guess").add_edge("guess", "book")
graph, run = builder.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
for attempt in (1, 2):
    try:
        graph.invoke(State() if attempt == 1 else None, run)
    except ValidationError as error:
        stored = graph.checkpointer.get_tuple(run).checkpoint["channel_values"]
        print(f"attempt {attempt}: ValidationError at {error.__notes__[0].split()[4]}, stored: {stored['amount']!r}")
try:
    graph.get_state(run)
except ValidationError:
    print("get_state(): ValidationError")
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
bad node last: dict {'amount': 'about ten'}
attempt 1: ValidationError at 'book', stored: 'about ten'
attempt 2: ValidationError at 'book', stored: 'about ten'
get_state(): ValidationError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
