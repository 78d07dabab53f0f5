"""The parts of a move's SQL that follow from the lifecycle: the guard, and what is set on the case and on its run.

A statement gives an SQL expression for what only it knows, such as a moment or an id. If the lifecycle demands a column that
the statement does not give, building it raises ValueError.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

from casework.core.lifecycle import Binding, Bound, CaseStatus, Detail, Lifecycle, Transition
from casework.store.database import NOW
from casework.store.literals import listed

Expressions = Mapping[str, str]
"""What is set, by column."""

SOON = "1 min"
"""A run that ends within this time after its claim is found by the claim; any other, by `ended_late_at`."""

_Demanded = dict[str, str | None]
"""Like Expressions; None if the statement has to give the expression."""

_UNBOUND: _Demanded = {"run_id": "null", "run_agent_id": "null"}

# A request to release ends with the attempt that it was made to: the next one is another worker's.
_NOT_EXECUTED: _Demanded = {
    "last_heartbeat_at": "null",
    "stop_requested_at": "null",
    "stop_deadline": "null",
    "release_on_stop": "false",
}


def change_to(**values: str) -> str:
    """What a line of history says was set besides the status: an SQL expression for each field's new value."""
    parts = (f"json_build_object('field', '{field}', 'new', {value})" for field, value in values.items())
    return f"json_build_array({', '.join(parts)})"


def guard(*moves: Transition) -> str:
    """The condition that the case `c` may make one of these moves.

    `is true` keeps the planner from looking for a status in an index: a process keeps its plan, and there may be many more
    cases with that status than when the plan was made.
    """
    return f"({in_source(*moves)}) is true"


def in_source(*moves: Transition) -> str:
    """As `guard`, for a longer condition that says `is true` itself."""
    return f"c.status in ({listed(_sources(moves))})"


def _sources(moves: Iterable[Transition]) -> frozenset[CaseStatus]:
    return frozenset(chain.from_iterable(move.sources for move in moves))


def sets_of_case(lifecycle: Lifecycle, *moves: Transition, now: str = NOW, **given: str) -> str:
    """The SET clause for a case that makes one of these moves, all of which lead to one status."""
    (target,) = {move.target for move in moves}
    assert target is not None
    sources = _sources(moves)
    derived: _Demanded = {
        "status": f"'{target}'",
        **_binding(lifecycle, sources, moves),
        **_details(lifecycle, sources, target, now),
        **_given_away(lifecycle, sources, moves),
        "updated_at": now,
    }
    if lifecycle.state(target).lanes:
        derived["ready_at"] = now
    return _written({**derived, **given}, f"{moves[0].event} to {target}")


def sets_of_run(lifecycle: Lifecycle, move: Transition, now: str = NOW, **given: str) -> str:
    """The SET clause for the run of a case that makes this move."""
    assert move.run is not None
    state = lifecycle.run_state(move.run)
    derived: _Demanded = {"status": f"'{move.run}'"}
    if not state.live:
        ends = given.get("completed_at", now)
        derived |= {"completed_at": ends, "ended_late_at": ended_late(ends), "outcome": f"'{move.records}'"}
        derived |= {"stop_deadline": "null"}
    elif not state.holds_slot:
        derived |= _NOT_EXECUTED
    return _written({**derived, **given}, f"a run by {move.event}")


def ended_late(at: str) -> str:
    """What `ended_late_at` of the run `r` is if it ends at that moment. The column is in an index of ended runs, and of most runs
    it never changes, so that their end writes no index."""
    return f"case when {at} > r.created_at + interval '{SOON}' then {at} end"


def _binding(lifecycle: Lifecycle, sources: Iterable[CaseStatus], moves: Iterable[Transition]) -> _Demanded:
    bindings = {move.binding for move in moves}
    if Binding.BIND in bindings:
        return dict.fromkeys((*_UNBOUND, "attempt", "claimed_at"))
    was_bound = any(lifecycle.state(source).bound is not Bound.NEVER for source in sources)
    return dict(_UNBOUND) if Binding.CLEAR in bindings and was_bound else {}


def _details(lifecycle: Lifecycle, sources: Iterable[CaseStatus], target: CaseStatus, now: str) -> _Demanded:
    sets: _Demanded = {}
    for detail in lifecycle.details():
        before = {detail in lifecycle.state(source).details for source in sources}
        if detail in lifecycle.state(target).details:
            if before != {True}:
                sets[str(detail)] = now if detail is Detail.COMPLETED_AT else None
        elif True in before:
            sets[str(detail)] = "null"
    return sets


def _given_away(lifecycle: Lifecycle, sources: Iterable[CaseStatus], moves: Iterable[Transition]) -> _Demanded:
    sets: _Demanded = {}
    if any(move.assigns for move in moves):
        sets["assigned_agent_id"] = "%(agent_id)s::uuid"
    if any(move.hands_over for move in moves):
        sets["handed_over"] = "true"
    elif any(lifecycle.may_be_handed_over(source) for source in sources):
        sets["handed_over"] = "false"
    return sets


def _written(sets: _Demanded, what: str) -> str:
    if missing := [column for column, expression in sets.items() if expression is None]:
        raise ValueError(f"{what} needs an expression for {', '.join(missing)}.")
    return ", ".join(f"{column} = {expression}" for column, expression in sets.items())
