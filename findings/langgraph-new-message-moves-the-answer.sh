#!/usr/bin/env bash
# A message to a LangGraph thread that waits for an answer drops the question, and the answer goes
# to the next one
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   invoke(new input) on a thread with an open interrupt is refused, or it is kept until
#          the question has been answered.
# Seen:    The graph starts over from its first node with the new input, without a word about the
#          open question. The "yes" that was meant for "pay 10?" is then taken as the answer to
#          "pay 9000?". Only an answer given by the id of the question ({id: "yes"}) does not fit;
#          that raises nothing either and asks again.
# Source:  langgraph, langgraph/pregel/_loop.py, PregelLoop._first (an input that is no Command
#          starts a new run of the thread); seen by running
# Matters: A chat and a queue of approvals share a thread: the customer writes once more while a
#          clerk looks at the request, and the clerk's click approves what the clerk has never
#          seen.
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
    answer = interrupt(f"pay {state['amount']}?")
    return {"outcome": f"paid {state['amount']}, as the answer was {answer}"}


def questions(result):
    return [question.value for question in result.get("__interrupt__", [])]


graph = StateGraph(State).add_node("pay", pay).add_edge(START, "pay").compile(checkpointer=InMemorySaver())
print("langgraph", version("langgraph"))
for by_id in (False, True):
    run = {"configurable": {"thread_id": str(by_id)}}
    first = graph.invoke({"amount": 10}, run)
    print("asked:", questions(first))
    second = graph.invoke({"amount": 9000}, run)
    print("  another input, asked:", questions(second))
    answer = {first["__interrupt__"][0].id: "yes"} if by_id else "yes"
    result = graph.invoke(Command(resume=answer), run)
    print("  the first question answered", "by its id:" if by_id else "plainly:", result.get("outcome"), questions(result))
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
asked: ['pay 10?']
  another input, asked: ['pay 9000?']
  the first question answered plainly: paid 9000, as the answer was yes []
asked: ['pay 10?']
  another input, asked: ['pay 9000?']
  the first question answered by its id: None ['pay 9000?']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
