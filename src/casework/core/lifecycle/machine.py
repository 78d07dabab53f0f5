"""How a table of states and moves is written, checked and read."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

from casework.core.lifecycle.vocabulary import (
    Actor,
    Binding,
    Bound,
    CaseStatus,
    Detail,
    Event,
    EventType,
    Lane,
    RunStatus,
)


@dataclass(frozen=True, slots=True)
class State:
    """What a status says about a case.

    `lanes` are those of an unbound case, and empty if ticks do not pick it up; a bound one is resumed.
    """

    status: CaseStatus
    bound: Bound
    details: tuple[Detail, ...] = ()
    lanes: tuple[Lane, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the case has ended, so that only a person can move it on."""
        return Detail.COMPLETED_AT in self.details


@dataclass(frozen=True, slots=True)
class RunState:
    """What a status says about a run. One that is not live has ended."""

    status: RunStatus
    live: bool = False
    holds_slot: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow.

    `run` is the status that the bound run goes to; INTERRUPTED is a request as long as a worker executes it. `assigns`:
    the case is delegated to an agent, or its delegation is cleared. `hands_over`: a run handed it over.
    """

    event: Event
    sources: frozenset[CaseStatus]
    target: CaseStatus | None
    actors: tuple[Actor, ...]
    records: EventType | None
    binding: Binding = Binding.CLEAR
    run: RunStatus | None = None
    assigns: bool = False
    hands_over: bool = False


@dataclass(frozen=True)
class Lifecycle:
    """A table of states and moves. Raises ValueError if the table contradicts itself."""

    states: tuple[State, ...]
    run_states: tuple[RunState, ...]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        for status, count in Counter(state.status for state in self.states).items():
            if count > 1:
                raise ValueError(f"The lifecycle has the status {status} twice.")
        for row in self.transitions:
            problem = self._problem(row)
            if problem:
                raise ValueError(f"The lifecycle's row {row.event} to {row.target}: {problem}.")

    def _problem(self, row: Transition) -> str | None:
        known = {state.status for state in self.states}
        if not row.actors:
            return "nobody may cause it"
        if unknown := (row.sources | ({row.target} if row.target else set())) - known:
            return f"no state has the status {', '.join(sorted(unknown))}"
        bound = self.state(row.target).bound if row.target else Bound.NEVER
        if (bound is Bound.ALWAYS and row.binding is Binding.CLEAR) or (
            bound is Bound.NEVER and row.binding is not Binding.CLEAR
        ):
            return f"a case there is {bound} bound to a run, and the binding is {row.binding}"
        if row.run and self.run_state(row.run).live == (row.binding is Binding.CLEAR):
            return f"the binding is {row.binding}, and the run becomes {row.run}"
        return None

    def state(self, status: CaseStatus) -> State:
        """What a case's status says. Raises KeyError if the table has no such status."""
        return {state.status: state for state in self.states}[status]

    def run_state(self, status: RunStatus) -> RunState:
        """What a run's status says. Raises KeyError if the table has no such status."""
        return {state.status: state for state in self.run_states}[status]

    def in_slots(self) -> set[CaseStatus]:
        """The statuses of cases whose runs hold slots."""
        return {row.target for row in self.transitions if row.target and row.run and self.run_state(row.run).holds_slot}

    def details(self) -> list[Detail]:
        """The details that the states know, each once."""
        return list(dict.fromkeys(chain.from_iterable(state.details for state in self.states)))

    def rows(self, event: Event, target: CaseStatus | None = None) -> list[Transition]:
        """The arrows of an event: all of them, or those that lead to a status."""
        return [row for row in self.transitions if row.event == event and target in (None, row.target)]

    def transition(self, event: Event, target: CaseStatus | None = None, *, by: Collection[Actor]) -> Transition:
        """The only arrow of an event, or its only one to a status, for a statement that the actors in `by` use.

        Raises KeyError if the table has no such arrow or several, and ValueError if an actor may not cause it.
        """
        rows = self.rows(event, target)
        if len(rows) != 1:
            raise KeyError((event, target))
        if others := set(by) - set(rows[0].actors):
            allowed, refused = ", ".join(rows[0].actors), ", ".join(sorted(others))
            raise ValueError(f"The event {event} can be caused by {allowed}, not by {refused}.")
        return rows[0]

    def targets(self, event: Event) -> list[CaseStatus]:
        """The statuses that an event leads to."""
        return [row.target for row in self.rows(event) if row.target]

    def sources(self, event: Event, target: CaseStatus | None = None) -> frozenset[CaseStatus]:
        """The statuses from which an event is allowed."""
        return frozenset(chain.from_iterable(row.sources for row in self.rows(event, target)))

    def allows(self, status: CaseStatus, event: Event, target: CaseStatus | None = None) -> bool:
        """Whether a case with that status may go through that event."""
        return status in self.sources(event, target)

    def refusal(self, status: CaseStatus, event: Event, target: CaseStatus | None = None) -> str:
        """Why a case with that status may not go through that event, in one sentence."""
        return f"The case is {status}; {self.demand(event, target)}."

    def demand(self, event: Event, target: CaseStatus | None = None) -> str:
        """What an event demands of a case's status, as the end of a sentence."""
        return f"{event} needs a case that is {' or '.join(sorted(self.sources(event, target)))}"

    def held_by(self, actor: Actor) -> frozenset[CaseStatus]:
        """The statuses from which an actor can move a case."""
        return frozenset(chain.from_iterable(row.sources for row in self.transitions if actor in row.actors))

    def overrides(self, actor: Actor) -> list[Transition]:
        """The moves by which an actor takes a case from its run, which they interrupt."""
        return [
            row for row in self.transitions if actor in row.actors and row.target and row.run == RunStatus.INTERRUPTED
        ]

    def may_be_handed_over(self, status: CaseStatus) -> bool:
        """Whether a case with that status may have been handed over by a run."""
        return any(row.hands_over and row.target == status for row in self.transitions)

    def diagram(self) -> str:
        """The table as a Mermaid state diagram, without what people may do even to cases that have ended."""
        events: dict[str, list[str]] = {}
        for row in self.transitions:
            if row.target and not any(self.state(source).ended for source in row.sources):
                sources: Sequence[str] = sorted(row.sources) or ["[*]"]
                for source in sources:
                    events.setdefault(f"    {source} --> {row.target}", []).append(row.event)
        return "\n".join(("stateDiagram-v2", *(f"{arrow}: {', '.join(names)}" for arrow, names in events.items())))
