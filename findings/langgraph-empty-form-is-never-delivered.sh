#!/usr/bin/env bash
# LangGraph never delivers an empty object as an answer
#
# Version: langgraph 1.2.24, langgraph-checkpoint 4.3.2
# Guess:   Whatever is given as Command(resume=...) comes out of interrupt(), empty values too:
#          "", [] and False do.
# Seen:    {} is read as a map from question ids to answers that answers none: no error, and the
#          node asks the same question again, however often it is sent. {"note": ""} is delivered.
# Source:  langgraph, langgraph/pregel/_loop.py and langgraph/types.py, Command.resume (a dict
#          whose keys all look like interrupt ids is a map, and an empty one has no other key)
# Matters: A form whose fields are all optional is sent as {} by the person who has nothing to
#          add. The case is asked again each time it is answered, and only such answers do it.
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
    answer: object


def node(state):
    return {"answer": ["got", interrupt("anything to add?")]}


graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(checkpointer=InMemorySaver())
print("langgraph", version("langgraph"))
for number, answer in enumerate(["", [], False, {"note": ""}, {}]):
    run = {"configurable": {"thread_id": str(number)}}
    graph.invoke({}, run)
    result = {}
    for attempt in range(1, 4):
        result = graph.invoke(Command(resume=answer), run)
        if "answer" in result:
            break
    print(f"{answer!r:14} sent {attempt} time(s):", result.get("answer", "asks again"))
PY

cat >"$work/seen" <<'TXT'
langgraph 1.2.24
''             sent 1 time(s): ['got', '']
[]             sent 1 time(s): ['got', []]
False          sent 1 time(s): ['got', False]
{'note': ''}   sent 1 time(s): ['got', {'note': ''}]
{}             sent 3 time(s): asks again
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
