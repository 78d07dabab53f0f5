"""What the lifecycle says about the rows of cases and runs: CHECK constraints, and the expressions of derived columns."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint

from casework.core.lifecycle import Bound, CaseStatus, Detail, Lane, Lifecycle
from casework.store.literals import ANYONE, listed


def is_one_of(values: Iterable[StrEnum]) -> str:
    """The condition that a row's status is one of these."""
    return f"status in ({listed(values)})"


def status_of_case(lifecycle: Lifecycle) -> CheckConstraint:
    """A case has a status of the lifecycle."""
    return CheckConstraint(is_one_of(state.status for state in lifecycle.states), name="cases_status")


def status_of_run(lifecycle: Lifecycle) -> CheckConstraint:
    """A run has a status of the lifecycle."""
    return CheckConstraint(is_one_of(state.status for state in lifecycle.run_states), name="runs_status")


def checks_of_case(lifecycle: Lifecycle) -> list[CheckConstraint]:
    """A case is bound to a run, and holds details, as its status says."""
    may_be, must_be = _bound(lifecycle, Bound.ALWAYS, Bound.SOMETIMES), _bound(lifecycle, Bound.ALWAYS)
    return [
        CheckConstraint(f"{is_one_of(may_be)} or run_id is null", name="cases_bound_only_while_live"),
        CheckConstraint(f"status not in ({listed(must_be)}) or run_id is not null", name="cases_claimed_by_a_run"),
        *(_holds(lifecycle, detail) for detail in lifecycle.details()),
    ]


def _bound(lifecycle: Lifecycle, *bound: Bound) -> list[CaseStatus]:
    return [state.status for state in lifecycle.states if state.bound in bound]


def _holds(lifecycle: Lifecycle, detail: Detail) -> CheckConstraint:
    holders = [state.status for state in lifecycle.states if detail in state.details]
    return CheckConstraint(
        f"({is_one_of(holders)}) = ({detail} is not null)", name=f"cases_{detail.removesuffix('_id')}"
    )


def lane(lifecycle: Lifecycle) -> str:
    """The lane in which a case waits for a tick; null if it waits for none."""
    waiting = [state for state in lifecycle.states if state.lanes]
    resumable = [state.status for state in waiting if state.bound is not Bound.NEVER]
    cases = [f"when {is_one_of(resumable)} and run_id is not null then {Lane.RESUMED:d}"]
    for state in sorted(waiting, key=lambda state: state.lanes):
        by_priority = " - priority" if len(state.lanes) > 1 else ""
        cases.append(f"when {is_one_of([state.status])} then {state.lanes[-1]:d}{by_priority}")
    return f"case {' '.join(cases)} end"


def reserved_for(lifecycle: Lifecycle) -> str:
    """The agent that may take a case that waits for a tick, or ANYONE; null if it waits for none."""
    waits = is_one_of(state.status for state in lifecycle.states if state.lanes)
    return f"case when {waits} then coalesce(run_agent_id, assigned_agent_id, '{ANYONE}'::uuid) end"


def live(lifecycle: Lifecycle) -> str:
    """Whether a run has not ended."""
    return is_one_of(state.status for state in lifecycle.run_states if state.live)


def holds_slot(lifecycle: Lifecycle) -> str:
    """Whether a run counts against its consumer's concurrency."""
    return is_one_of(state.status for state in lifecycle.run_states if state.holds_slot)
