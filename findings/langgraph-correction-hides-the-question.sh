#!/usr/bin/env bash
# Correcting the state of a waiting LangGraph run makes its question invisible
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   update_state() changes a value. The run waits as before, and get_state().interrupts
#          lists the question until it is answered.
# Seen:    After update_state() interrupts is empty, and so are the interrupts of the task, while
#          next still names the node. The run does wait: Command(resume=...) is taken as the
#          answer to the question that is no longer shown.
# Source:  langgraph, langgraph/pregel/main.py, Pregel.update_state and get_state (interrupts are
#          the pending writes of the newest checkpoint, and the update makes a new checkpoint)
# Matters: An inbox that is filled from get_state() loses the request as soon as an operator
#          corrects a field. The case then waits for an answer that nobody can see to give.
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
    amount: int
    outcome: str


def pay(state):
    return {"outcome": f"{state['amount']}: {interrupt('pay?')}"}


def show(when):
    state = graph.get_state(run)
    print(f"{when}: next {state.next}, asks", [question.value for question in state.interrupts])


graph = StateGraph(State).add_node("pay", pay).add_edge(START, "pay").compile(checkpointer=InMemorySaver())
run = {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"))
graph.invoke({"amount": 10}, run)
show("waiting")
graph.update_state(run, {"amount": 12})
show("corrected")
print("answered:", graph.invoke(Command(resume="yes"), run)["outcome"])
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
waiting: next ('pay',), asks ['pay?']
corrected: next ('pay',), asks []
answered: 12: yes
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
