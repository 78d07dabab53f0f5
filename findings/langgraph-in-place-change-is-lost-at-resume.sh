#!/usr/bin/env bash
# A list that a LangGraph node changes in place is seen by the next node, and gone when that node
# resumes
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2 (InMemorySaver)
# Guess:   Either each node gets a copy (an append that is not returned never shows) or the
#          change is part of the state (it shows and is stored).
# Seen:    The next node reads the appended entry. It then asks a question; when it is run again
#          with the answer, the entry is missing, since the checkpoint was written before the
#          append and only returned keys are written again. Code before the question takes one
#          branch the first time and another the second.
# Source:  langgraph, langgraph/pregel/_checkpoint.py, create_checkpoint (only channels with a
#          new version are stored) and langgraph/channels/last_value.py (hands out the object
#          itself)
# Matters: Nodes are re-run from their first line after each answer, which is safe only if the
#          state is the same. A plain state["log"].append(...) breaks that only in runs where
#          somebody is asked.
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

seen = []


class State(TypedDict, total=False):
    log: list
    step: str


def note(state):
    state["log"].append("looked at the invoice")
    return {"step": "noted"}


def ask(state):
    seen.append(list(state["log"]))
    return {"step": interrupt("pay?")}


builder = StateGraph(State).add_node(note).add_node(ask).add_edge(START, "note").add_edge("note", "ask")
graph = builder.compile(checkpointer=InMemorySaver())
run = {"configurable": {"thread_id": "1"}}
print("langgraph", version("langgraph"))
print("returned at the question:", graph.invoke({"log": []}, run)["log"])
print("stored at the question:  ", graph.get_state(run).values["log"])
graph.invoke(Command(resume="yes"), run)
for number, log in enumerate(seen, 1):
    print(f"log seen by run {number} of the asking node:", log)
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
returned at the question: ['looked at the invoice']
stored at the question:   []
log seen by run 1 of the asking node: ['looked at the invoice']
log seen by run 2 of the asking node: []
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
