#!/usr/bin/env bash
# Resuming a LangGraph thread that does not exist runs the graph from the start
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   Command(resume=...) with a thread id that the checkpointer has never seen raises an
#          error: there is nothing to resume. invoke(None) does that ("EmptyInputError").
# Seen:    The graph starts with an empty state, runs its nodes and stores the new thread.
#          Nothing tells the caller that the answer went nowhere.
# Source:  langgraph, langgraph/pregel/_loop.py, PregelLoop._first (a Command with resume counts
#          as input); seen by running
# Matters: The answer of a person arrives days later, after the thread was deleted or with a
#          wrong id. The side effects before the first question are repeated on a ghost run, and
#          the real one waits on.
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

sent = []


class State(TypedDict, total=False):
    customer: str


def send(state):
    sent.append(state.get("customer"))
    return {}


def ask(state):
    interrupt("ok?")
    return {}


builder = StateGraph(State).add_node(send).add_node(ask).add_edge(START, "send").add_edge("send", "ask")
graph = builder.compile(checkpointer=InMemorySaver())
print("langgraph", version("langgraph"))
graph.invoke({"customer": "Ann"}, {"configurable": {"thread_id": "case-1"}})
print("letters sent:", sent)

wrong = {"configurable": {"thread_id": "case-l"}}
try:
    graph.invoke(None, wrong)
except Exception as error:
    print("invoke(None) on an unknown thread:", type(error).__name__)
result = graph.invoke(Command(resume="yes"), wrong)
print("resume on an unknown thread asks:", [question.value for question in result["__interrupt__"]])
print("letters sent:", sent)
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
letters sent: ['Ann']
invoke(None) on an unknown thread: EmptyInputError
resume on an unknown thread asks: ['ok?']
letters sent: ['Ann', None]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
