#!/usr/bin/env bash
# A guard that refuses a transition makes `transitions` return False, while a wrong state raises
#
# Version: transitions 0.9.3 beside python-statemachine 3.2.2
# Guess:   An event that cannot take place raises MachineError, whatever the reason: it does so
#          for an event that the state does not have.
# Seen:    If the state is right and a condition says no, the trigger method returns False and
#          nothing else happens. python-statemachine raises TransitionNotAllowed in both cases.
# Source:  transitions, transitions/core.py, Transition.execute (returns False if a condition
#          fails) and Event._process
# Matters: case.approve() with the condition "four eyes" is written as a statement, as the other
#          errors raise. The code after it sends the letter although the case has not moved.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    transitions==0.9.3 python-statemachine==3.2.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from statemachine import State, StateMachine
from transitions import Machine

print("transitions", version("transitions"), "python-statemachine", version("python-statemachine"))


class Case:
    def four_eyes(self):
        return False


case = Case()
moves = [
    {"trigger": "approve", "source": "open", "dest": "approved", "conditions": "four_eyes"},
    {"trigger": "close", "source": "approved", "dest": "closed"},
]
Machine(case, states=["open", "approved", "closed"], initial="open", transitions=moves)


class Workflow(StateMachine):
    open = State(initial=True)
    approved = State()
    closed = State(final=True)
    approve = open.to(approved, cond="four_eyes")
    close = approved.to(closed)

    def four_eyes(self):
        return False


for name, machine in (("transitions", case), ("python-statemachine", Workflow())):
    for event in ("close", "approve"):
        try:
            outcome = getattr(machine, event)()
        except Exception as error:
            outcome = type(error).__name__
        print(f"{name}: {event}() -> {outcome}")
PY

cat >"$work/seen" <<'TXT'
transitions 0.9.3 python-statemachine 3.2.2
transitions: close() -> MachineError
transitions: approve() -> False
python-statemachine: close() -> TransitionNotAllowed
python-statemachine: approve() -> TransitionNotAllowed
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
