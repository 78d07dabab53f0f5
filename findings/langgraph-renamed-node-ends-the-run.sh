#!/usr/bin/env bash
# A LangGraph run that waits in a node is over, without an error, once the node has another name
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   The checkpoint names a node that the new code does not have: resuming raises an error
#          that says so.
# Seen:    Command(resume=...) returns the stored values as if the run had ended; nothing ran, no
#          __interrupt__ is returned, and get_state().next is empty from the moment the new code
#          looks at it.
# Source:  langgraph documentation, Persistence / "Graph migrations" (renaming a node breaks
#          waiting threads); langgraph/pregel/_algo.py, prepare_next_tasks (goes over the nodes
#          that exist now)
# Matters: Human answers take days and deployments take place meanwhile. The queue counts the run
#          as finished, and the answer is lost.
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
    answer: str


def ask(state):
    return {"answer": interrupt("refund?")}


store, run = InMemorySaver(), {"configurable": {"thread_id": "1"}}


def release(node_name):
    return StateGraph(State).add_node(node_name, ask).add_edge(START, node_name).compile(checkpointer=store)


print("langgraph", version("langgraph"))
old = release("ask_for_refund")
print("asks:", [question.value for question in old.invoke({}, run)["__interrupt__"]])
new = release("ask_about_refund")
print("next, seen by the old code:", old.get_state(run).next)
print("next, seen by the new code:", new.get_state(run).next)
print("the answer is taken by the new code:", new.invoke(Command(resume="yes"), run))
print("waiting after that:", new.get_state(run).next)
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
asks: ['refund?']
next, seen by the old code: ('ask_for_refund',)
next, seen by the new code: ()
the answer is taken by the new code: {}
waiting after that: ()
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
