#!/usr/bin/env bash
# A LangGraph node that returns Command(goto="refuse") also runs the node at the end of its edge
#
# Version: langgraph 1.2.24
# Guess:   goto says where the run goes on: it overrides the edge of the node, or a node that has
#          both is refused when the graph is compiled.
# Seen:    The goto is added to the edges. Both nodes run in the same step: "pay", to which the
#          edge leads, and "refuse", which the node asked for. Neither compile() nor invoke() says
#          anything. Without the edge only "refuse" runs.
# Source:  langgraph, issue 5829 "DOC: Document behavior when node has both Command.goto and static
#          edge"; langchain-ai/docs, issue 1239 "Command goto does not override existing edges"
# Matters: The edge is the ordinary way on, and somebody adds a goto for the exception: the refund
#          is refused and paid. The state holds what both wrote.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version
from typing import Literal, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Command


class State(TypedDict):
    amount: int


def check(state) -> Command[Literal["refuse", "pay"]]:
    ran.append("check")
    return Command(goto="refuse" if state["amount"] > 100 else "pay")


def pay(state):
    ran.append("pay")


def refuse(state):
    ran.append("refuse")


def built(with_edge):
    graph = StateGraph(State).add_node(check).add_node(pay).add_node(refuse).add_edge(START, "check")
    return (graph.add_edge("check", "pay") if with_edge else graph).compile()


print("langgraph", version("langgraph"))
for with_edge in (True, False):
    ran = []
    built(with_edge).invoke({"amount": 9000})
    print("with the edge:" if with_edge else "without it:", ran[:1], "then", sorted(ran[1:]))
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
with the edge: ['check'] then ['pay', 'refuse']
without it: ['check'] then ['refuse']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
