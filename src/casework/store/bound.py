"""Runs that are live, and those that hold slots, without an index of them.

Who is live follows from rows that are few: the cases that are bound to a run, and the runs that were asked to stop and have not
stopped. A run's own row changes as it starts and ends; an index of live runs would make each of these changes write every
index of runs again. What is said here holds between any two transactions, and so a statement counts exactly.
"""

from casework.core.lifecycle import LIFECYCLE, Bound, CaseStatus, Lifecycle, RunStatus
from casework.store.literals import listed

_HOLDS_SLOT = listed(LIFECYCLE.in_slots())
_MAY_BE_BOUND = listed(state.status for state in LIFECYCLE.states if state.bound is not Bound.NEVER)

BOUND = f"b.run_agent_id is not null and lower(b.status) in ({_MAY_BE_BOUND})"
"""The condition that a case `b` is bound to a live run. It is as the index `cases_bound` says it: `lower` changes nothing about a
status, but no other index can be taken for this one, and a guard on a status not for this condition."""


def _in_slot(case: str) -> str:
    return f"{case}.run_agent_id is not null and lower({case}.status) in ({_HOLDS_SLOT})"


IN_SLOT = _in_slot("b")
"""The condition that the run of a case `b` holds a slot."""

ASKED_TO_STOP = "r.stop_deadline is not null"
"""The condition that a run `r` was asked to stop, or to release its case, and has not stopped. An index has these few."""

STOPPING = f"{ASKED_TO_STOP} and r.status = '{RunStatus.RUNNING}' and not r.release_on_stop"
"""The condition that a run `r` holds a slot although no case is bound to it: it was asked to stop, and has not stopped."""


def indexes_of_lists(lifecycle: Lifecycle, status: str = "status") -> dict[str, str]:
    """The indexes of lists, each with the condition of its cases. Those whose runs hold slots stand in none: they are few, and come
    and go faster than any others; an entry for each would be written in order to be removed."""
    elsewhere = listed({CaseStatus.COMPLETED, *lifecycle.in_slots()})
    return {
        "cases_completed": f"{status} = '{CaseStatus.COMPLETED}'",
        "cases_listed": f"{status} not in ({elsewhere})",
    }


def listed_as(case: str) -> tuple[str, ...]:
    """Conditions of which each case fulfils one, for whoever looks for cases by queue and status."""
    return *indexes_of_lists(LIFECYCLE, f"{case}.status").values(), _in_slot(case)


ALL_CASES = f"({' union all '.join(f'select * from cases b where {one}' for one in listed_as('b'))})"
"""A subquery of all cases by these conditions. It has no order: the planner merges nothing that has conditions."""


def live_runs(queue_id: str | None = None) -> str:
    """A FROM clause of all live runs `r`, or of those of a queue, which is an SQL expression."""
    return _runs(BOUND, queue_id)


def runs_in_slots(queue_id: str | None = None) -> str:
    """A FROM clause of all runs `r` that hold slots, or of those of a queue, which is an SQL expression."""
    return _runs(IN_SLOT, queue_id)


# Of 300 runs, 0.3 ms where an index of slots took 0.1: a hundred claims read that once, and write 900 bytes less for each. A sweep
# reads it every few seconds: see `stuck.Lookout`.
def _runs(condition: str, queue_id: str | None) -> str:
    of_case, of_run = (f" and b.queue_id = {queue_id}", f" and r.queue_id = {queue_id}") if queue_id else ("", "")
    return f"""(
  select b.run_id from cases b where {condition}{of_case}
  union all
  select r.id as run_id from runs r where {STOPPING}{of_run}
) s join runs r on r.id = s.run_id"""
