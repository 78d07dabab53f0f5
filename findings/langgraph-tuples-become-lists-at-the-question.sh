#!/usr/bin/env bash
# A tuple in a LangGraph state is a list after the question, and an exception is its text
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   The checkpoint serializer keeps Python types: sets, dates, Decimals, enums and
#          dataclasses come back as they were, and with the in-memory checkpointer everything
#          does.
# Seen:    Those do, and a namedtuple does. A plain tuple comes back as a list, a Counter or
#          defaultdict as a dict, an exception as its repr(). Within one invoke the node sees the
#          tuple, after an interrupt the next invoke of the same thread sees the list, also in
#          memory.
# Source:  langgraph-checkpoint, langgraph/checkpoint/serde/jsonplus.py, _msgpack_default (tuples
#          are arrays of msgpack; exceptions are packed as repr)
# Matters: A tuple is what one puts into a set or uses as a key. The test without a question
#          passes; the run that waited for a person fails with "unhashable type", or its check
#          isinstance(x, Exception) says that all went well.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 langgraph-checkpoint==4.3.2

cat >"$work/probe.py" <<'PY'
from collections import Counter, namedtuple
from importlib.metadata import version
from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

Line = namedtuple("Line", "item price")


class State(TypedDict, total=False):
    found: dict[str, Any]


def look(state):
    return {"found": {"set": {1}, "Line": Line("pen", 2), "tuple": ("pen", 2), "Counter": Counter("ab"), "error": OSError("down")}}


def work(state):
    for name, value in state["found"].items():
        seen.setdefault(name, []).append(type(value).__name__)
    interrupt("go on?")
    return {}


seen = {}
graph = StateGraph(State).add_node("look", look).add_node("work", work)
graph = graph.add_edge(START, "look").add_edge("look", "work").compile(checkpointer=InMemorySaver())
run = {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"), "langgraph-checkpoint", version("langgraph-checkpoint"))
graph.invoke({}, run)
graph.invoke(Command(resume="yes"), run)
for name, (before, after) in seen.items():
    print(f"{name:8} before the question: {before}, after it: {after}")
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24 langgraph-checkpoint 4.3.2
set      before the question: set, after it: set
Line     before the question: Line, after it: Line
tuple    before the question: tuple, after it: list
Counter  before the question: Counter, after it: dict
error    before the question: OSError, after it: str
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
