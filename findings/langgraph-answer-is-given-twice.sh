#!/usr/bin/env bash
# LangGraph gives the answer to the first question to the second one as well, after a retry
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   Command(resume="yes") answers the question that was open when it was sent. If the node
#          then fails, invoke(None) repeats it with that answer and stops at the next question.
# Seen:    A node asks "pay 10?", is answered "yes", and fails before its second question.
#          invoke(None) goes through: the second question, which nobody has seen, receives "yes"
#          too and the graph finishes.
# Source:  langgraph, langgraph/pregel/_algo.py, _scratchpad (the null resume of the checkpoint
#          is consumed by whichever interrupt has no value yet); langgraph/types.py, interrupt
# Matters: "Retry the run after a network error" is what every queue does, and here it approves
#          something that no person was asked about.
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
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    answers: list


network = iter([ConnectionError("the network is down")])


def node(state):
    first = interrupt("pay 10?")
    for error in network:  # only once
        raise error
    second = interrupt("delete the account?")
    return {"answers": [first, second]}


graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=InMemorySaver())
run = {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"))
print("asks:", [question.value for question in graph.invoke({}, run)["__interrupt__"]])
try:
    graph.invoke(Command(resume="yes"), run)
except ConnectionError as error:
    print("fails:", error)
result = graph.invoke(None, run)
print("retry without an answer asks:", [question.value for question in result.get("__interrupt__", [])])
print("retry without an answer ends with:", result.get("answers"))
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
asks: ['pay 10?']
fails: the network is down
retry without an answer asks: []
retry without an answer ends with: ['yes', 'yes']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
