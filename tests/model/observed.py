"""The state as the database holds it and as the model predicts it, in one form; and what must hold of any state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ideal import Case, Ideal, Run

from casework.core.lifecycle import HOLDS_SLOT, LIVE, TRANSITIONS, EventType
from casework.store.database import Tx

# One round trip for everything, because it is asked after each step.
_STATE_SQL = """
select
  (select json_agg(json_build_array(c.id, c.queue_id, c.status, c.priority, extract(epoch from c.ready_at), c.assigned_agent_id,
                     c.run_id, c.run_agent_id, case when c.run_id is not null then c.attempt end, c.handed_over,
                     c.human_request_id, c.title))
   from cases c) as cases,
  (select json_agg(json_build_array(r.id, r.case_id, r.queue_id, r.agent_id, r.status, r.attempt, r.failures, r.worker,
                     r.refused_writes, case when r.status = 'running' then extract(epoch from r.last_heartbeat_at) end,
                     case when r.live then extract(epoch from r.stop_deadline) end, r.live and r.release_on_stop,
                     case when r.status = 'pending' then json_build_array(extract(epoch from r.sent_at), r.send_count) end,
                     array(select m.key from run_messages m where m.run_id = r.id order by 1),
                     array(select s.name from run_steps s where s.run_id = r.id order by 1)))
   from runs r) as runs,
  (select json_agg(json_build_array(h.id, h.case_id, case when h.responded_at is not null then 'answered'
                                         when h.cancelled_at is not null then 'cancelled' else 'open' end))
   from human_requests h) as requests,
  (select json_agg(json_build_array(e.id, e.case_id, e.type)) from case_history e where e.id <> all(%(seen)s::bigint[])) as events
"""

_CASE = [
    "id",
    "queue",
    "status",
    "priority",
    "ready",
    "assigned",
    "run",
    "agent",
    "attempt",
    "handed_over",
    "request",
    "title",
]
_RUN = [
    "id",
    "case",
    "queue",
    "agent",
    "status",
    "attempt",
    "failures",
    "worker",
    "refused",
    "alive",
    "deadline",
    "releases",
    "sent",
    "said",
    "steps",
]

Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    """Everything that a step may change, by id; ids are text and moments seconds."""

    cases: Mapping[str, Row]
    runs: Mapping[str, Row]
    requests: Mapping[str, tuple[str, str]]


def _by_id(names: list[str], rows: list[list[Any]] | None) -> dict[str, Row]:
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows or ()}


def look(tx: Tx, seen: set[int]) -> tuple[State, list[tuple[int, str, str]]]:
    """The state, and the lines of history that are not among those seen."""
    row = tx.sql(_STATE_SQL, {"seen": list(seen)}).one()
    requests = {id: (case_id, status) for id, case_id, status in row.requests or ()}
    events = [(id, case_id, type) for id, case_id, type in row.events or ()]
    return State(_by_id(_CASE, row.cases), _by_id(_RUN, row.runs), requests), events


def predicted(ideal: Ideal) -> State:
    """The state that the model predicts."""
    return State(
        {str(case.id): _case(case) for case in ideal.cases.values()},
        {str(run.id): _run(run) for run in ideal.runs.values()},
        {str(id): (str(case_id), status) for id, (case_id, status) in ideal.requests.items()},
    )


def _id(id: UUID | None) -> str | None:
    return None if id is None else str(id)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _case(case: Case) -> Row:
    run = case.run
    values = (
        str(case.id),
        str(case.queue),
        case.status,
        case.priority,
        _seconds(case.ready),
        _id(case.assigned),
        _id(run and run.id),
        _id(run and run.agent),
        run and run.attempt,
        case.handed_over,
        _id(case.request),
        case.title,
    )
    return dict(zip(_CASE, values, strict=True))


def _run(run: Run) -> Row:
    live = run.status in LIVE
    values = (
        str(run.id),
        _id(run.case and run.case.id),
        str(run.queue),
        str(run.agent),
        run.status,
        run.attempt,
        run.failures,
        run.worker,
        run.refused,
        _seconds(run.alive) if run.status == "running" else None,
        _seconds(run.deadline) if live else None,
        live and run.releases,
        [_seconds(run.sent), run.sends] if run.status == "pending" else None,
        sorted(run.said),
        sorted(run.steps),
    )
    return dict(zip(_RUN, values, strict=True))


# Which status its run has while a case with that status is bound to one; None: a case that is bound to none.
_AGREEING = {
    "claimed": ({"pending", "running"}, False),
    "needs_input": ({"waiting"}, False),
    "pending": ({"waiting"}, True),
    "postponed": (set(), True),
    "completed": (set(), True),
    "failed": (set(), True),
}


def check_live_runs(state: State) -> None:
    """At most one live run for each case."""
    live = Counter(run["case"] for run in state.runs.values() if run["status"] in LIVE and run["case"])
    assert not live or max(live.values()) == 1, f"two live runs: {live.most_common(1)}"


def check_binding(state: State) -> None:
    """A case and the run that it is bound to agree about where they are."""
    for case in state.cases.values():
        statuses, may_be_free = _AGREEING[case["status"]]
        if case["run"] is None:
            assert may_be_free, f"a {case['status']} case without a run: {case}"
        else:
            run = state.runs[case["run"]]
            assert run["status"] in statuses, f"a {case['status']} case with a {run['status']} run: {case} {run}"
            assert (run["case"], run["agent"], run["attempt"]) == (case["id"], case["agent"], case["attempt"])


def check_limits(before: State, after: State, consumers: Mapping[tuple[UUID, UUID], tuple[bool, int | None]]) -> None:
    """No consumer holds more slots than its concurrency, but for those that it had when that was lowered."""
    held_before, held = _held(before), _held(after)
    for (queue, agent), (_, limit) in consumers.items():
        pair = str(queue), str(agent)
        assert limit is None or held[pair] <= max(limit, held_before[pair]), (
            f"{held[pair]} runs under a limit of {limit}"
        )


def _held(state: State) -> Counter[tuple[str, str]]:
    return Counter((run["queue"], run["agent"]) for run in state.runs.values() if run["status"] in HOLDS_SLOT)


def check_explained(before: State, after: State, events: list[tuple[int, str, str]]) -> None:
    """Each change of a status is an arrow of the lifecycle, and the same step wrote that arrow's line of history."""
    written = {(case_id, type) for _, case_id, type in events}
    for id, case in after.cases.items():
        old = before.cases[id]["status"] if id in before.cases else None
        new = case["status"]
        assert old == new or any(
            arrow.target == new
            and (old in arrow.sources if old else not arrow.sources)
            and ((id, arrow.records) in written or (arrow.event == "claim" and (id, EventType.HANDOVER) in written))
            for arrow in TRANSITIONS
        ), f"{old} became {new} with {sorted(type for case_id, type in written if case_id == id)}"


def check_equal(found: State, wanted: State) -> None:
    """The database holds what the model predicts."""
    for kind in ("cases", "runs", "requests"):
        have, want = getattr(found, kind), getattr(wanted, kind)
        if have != want:
            differing = {id: (have.get(id), want.get(id)) for id in have.keys() | want.keys()}
            raise AssertionError(
                "\n".join(f"{kind} {id}: {_difference(*pair)}" for id, pair in differing.items() if pair[0] != pair[1])
            )


def _difference(have: Any, want: Any) -> str:
    if not (isinstance(have, dict) and isinstance(want, dict)):
        return f"is {have}, should be {want}"
    return ", ".join(f"{name} is {have[name]}, should be {want[name]}" for name in have if have[name] != want[name])
