#!/usr/bin/env bash
# LangGraph's ToolNode hands the answer about Ann to the payment of Bob
#
# Version: langgraph 1.2.24, langgraph-prebuilt 1.1.3, langgraph-checkpoint 4.3.2, langchain-core
#          1.8.3
# Guess:   Two tool calls of one message that both call interrupt() show two questions, each with
#          an id of its own; an answer reaches the call that asked.
# Seen:    Only the question that came first is shown. At the resume both tools run again in
#          parallel and the answer goes to whichever calls interrupt() first: Ann was asked
#          about, and Bob was paid with that "yes". Asked about Ann once more, the next answer
#          runs Bob's payment a second time.
# Source:  langgraph, issue 6533; langgraph/types.py, interrupt (answers are counted by order
#          within a node); langgraph/prebuilt/tool_node.py, ToolNode
# Matters: Several approvals in one response are the normal case for an agent with tools. Which
#          one a person approved depends on which service answered faster.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 langgraph-prebuilt==1.1.3 langgraph-checkpoint==4.3.2 langchain-core==1.8.3

cat >"$work/probe.py" <<'PY'
import time
from importlib.metadata import version
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph, add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

seconds = {"Ann": 0, "Bob": 1}  # how long the account service takes
paid = []


def pay(name: str) -> str:
    """Pay somebody."""
    time.sleep(seconds[name])
    answer = interrupt(f"pay {name}?")
    paid.append(f"{name} on {answer!r}")
    return "paid"


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


builder = StateGraph(State).add_node("tools", ToolNode([pay])).add_edge(START, "tools")
graph, run = builder.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"))
calls = [{"name": "pay", "args": {"name": name}, "id": name} for name in seconds]
result = graph.invoke({"messages": [AIMessage("", tool_calls=calls)]}, run)
print("asked:", [question.value for question in result["__interrupt__"]])

seconds.update(Ann=1, Bob=0)  # the other account answers faster this time
result = graph.invoke(Command(resume="yes, Ann"), run)
print("paid:", paid)
print("asked:", [question.value for question in result["__interrupt__"]])
graph.invoke(Command(resume="as I said"), run)
print("paid:", paid)
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
asked: ['pay Ann?']
paid: ["Bob on 'yes, Ann'"]
asked: ['pay Ann?']
paid: ["Bob on 'yes, Ann'", "Bob on 'yes, Ann'", "Ann on 'as I said'"]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
