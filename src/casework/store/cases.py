"""Cases: create many at once, read, lock for people's actions, delete."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from casework.core.lifecycle import CaseStatus, EventType, RunStatus
from casework.core.model import AgentId, Case, CaseEvent, CaseId, Label, NewCase, Priority, QueueId, RunId, TeamId
from casework.core.search import searchable
from casework.store import labels, parked
from casework.store.bound import ALL_CASES, BOUND
from casework.store.database import NOW, Tx
from casework.store.ids import new_ids
from casework.store.literals import NEXT_EVENT, same_status
from casework.store.transitions import Fence
from casework.store.transitions.clauses import change_to

# A moment that has passed means now.
_MOMENT = f"greatest({NOW}, n.moment, {NOW} + make_interval(secs => n.wait))"
_STATUS = f"case when {_MOMENT} > {NOW} then '{CaseStatus.POSTPONED}' else '{CaseStatus.PENDING}' end"


# One statement for any number of cases. It keeps the queue from being deleted, and adds nothing if it is gone. A case with a
# known key is skipped, and keys are added in one order, because who adds one waits for others that add it. Cases without
# keys are added without looking, which spares each 48 bytes of WAL. Arrays of text are sent in binary: as text, quotes would be
# escaped twice. That a case was created stands on its row, unless there is more to say: its run, or until when it is postponed.
_HAS_LINES = "exists (select from limits l where l.queue_id = q.id and l.agent_id is null and l.key is not null)"


@cache
def _create_sql(*, later: bool, keyed: bool, logged: bool) -> str:
    moments, names = (", %(moments)s::timestamptz[], %(waits)s::float[]", ", moment, wait") if later else ("", "")
    status, ready_at, postponed_to = f"'{CaseStatus.PENDING}'", NOW, "null::timestamptz"
    if later:
        status, ready_at, postponed_to = _STATUS, _MOMENT, f"nullif({_MOMENT}, {NOW})"
    known = "order by key, position on conflict (queue_id, key) where key is not null do nothing" if keyed else ""
    line = f""", logged as (
  insert into case_events (case_id, type, created_at, run_id, agent_id, changes)
  select id, '{EventType.CREATED}', {NOW}, %(run_id)s::uuid, %(agent_id)s::uuid,
    case when postponed_to is not null then {change_to(postponed_to="postponed_to")} end from added
)"""
    return f"""
with queue as (
  select {_HAS_LINES} as has_lines from queues q where q.id = %(queue_id)s for key share
), home as (select from queue where not (%(alone)s and has_lines)), new as (
  select n.* from home cross join unnest(%(ids)b::uuid[], %(titles)b::text[], %(data)b::text[], %(priorities)b::smallint[], %(keys)b::text[], %(words)b::text[]{moments})
    with ordinality as n (id, title, data, priority, key, words{names}, position)
), added as (
  insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, key, created_at, updated_at, created_event)
  select id, %(queue_id)s, title, data::json, {status}, priority, {ready_at}, {postponed_to}, key, {NOW}, {NOW}, {"null::bigint" if logged else NEXT_EVENT}
  from new n {known}
  returning id, postponed_to
), found_by as (
  insert into case_search (case_id, queue_id, words)
  select n.id, %(queue_id)s, to_tsvector('simple', n.words) from new n {"join added a on a.id = n.id" if keyed else ""}
){line if logged else ""}
select (select has_lines from queue) as has_lines, (select count(*) from home) as homes, array(select id from added) as added
"""


def takes_one_statement(new: Sequence[NewCase]) -> bool:
    """Whether `create` sends a single statement for these cases."""
    return not any(case.labels for case in new)


def create(
    tx: Tx,
    queue_id: QueueId,
    new: Sequence[NewCase],
    *,
    run_id: RunId | None = None,
    agent_id: AgentId | None = None,
    alone: bool = False,
) -> list[CaseId] | None:
    """Create cases and their labels, in order, and return the ids of the new ones; None if the queue is gone. A case that
    is ready later is postponed, the others are pending. Without labels, and in a queue without limits for each value of a key,
    this is one statement; with `alone`, None too if it would not be."""
    ids = new_ids(len(new))
    later = any(case.ready_at is not None for case in new)
    keyed = any(case.key is not None for case in new)
    row = tx.sql(
        _create_sql(later=later, keyed=keyed, logged=later or run_id is not None),
        {
            **(_moments(new) if later else {}),
            "ids": ids,
            "titles": [case.title for case in new],
            "data": [json.dumps(case.data, ensure_ascii=False) for case in new],
            "priorities": [case.priority.rank for case in new],
            "keys": [case.key for case in new] if keyed else None,
            "words": [searchable(case.title, case.data) for case in new],
            "queue_id": queue_id,
            "run_id": run_id,
            "agent_id": agent_id,
            "alone": alone,
        },
    ).one()
    if not row.homes:
        return None
    added = set(row.added)
    labelled = [(CaseId(id), case.labels) for id, case in zip(ids, new, strict=True) if id in added and case.labels]
    if labelled:
        labels.assign(tx, queue_id, labelled)
    if row.has_lines and row.added:
        parked.place(tx, queue_id, row.added)
    return [CaseId(id) for id in ids if id in added]


def _moments(new: Sequence[NewCase]) -> dict[str, list[Any]]:
    given = [case.moment for case in new]
    return {
        "moments": [one if isinstance(one, datetime) else None for one in given],
        "waits": [one.total_seconds() if isinstance(one, timedelta) else None for one in given],
    }


def ids_of_keys(tx: Tx, queue_id: QueueId, keys: Sequence[str]) -> dict[str, CaseId]:
    """The cases of a queue that have one of these keys."""
    rows = tx.sql(
        "select id, key from cases where queue_id = %(queue_id)s and key = any(%(keys)s::text[])",
        {"queue_id": queue_id, "keys": list(keys)},
    )
    return {row.key: CaseId(row.id) for row in rows}


COLUMNS = """
c.id, c.queue_id, c.title, c.data, c.status, c.priority, c.assigned_agent_id, c.claimed_at, c.run_id, c.completed_at,
c.postponed_to, c.human_request_id, r.status as run_status, c.created_at, c.updated_at, c.key
"""


def with_labels(tx: Tx, rows: Sequence[Any]) -> list[Case]:
    labelled = labels.of_cases(tx, [row.id for row in rows])
    return [_case(row, labelled.get(row.id, ())) for row in rows]


def _case(row: Any, labelled: tuple[Label, ...]) -> Case:
    return Case(
        id=CaseId(row.id),
        queue_id=QueueId(row.queue_id),
        title=row.title,
        data=row.data,
        status=CaseStatus(row.status),
        priority=Priority.of_rank(row.priority),
        assigned_agent_id=row.assigned_agent_id,
        claimed_at=row.claimed_at,
        claimed_by_run_id=row.run_id,
        completed_at=row.completed_at,
        postponed_to=row.postponed_to,
        pending_human_request_id=row.human_request_id,
        agent_run_status=RunStatus(row.run_status) if row.run_status else None,
        labels=labelled,
        created_at=row.created_at,
        updated_at=row.updated_at,
        key=row.key,
    )


def get(tx: Tx, team_id: TeamId, case_id: UUID) -> Case | None:
    """The team's case with that id. A case of another team takes no longer than one that does not exist."""
    rows = tx.sql(
        f"""
        select {COLUMNS} from cases c join queues q on q.id = c.queue_id left join runs r on r.id = c.run_id
        where c.id = %(id)s and q.team_id = %(team_id)s
        """,
        {"id": case_id, "team_id": team_id},
    ).all()
    return with_labels(tx, rows)[0] if rows else None


def get_many(tx: Tx, ids: Sequence[UUID]) -> list[Case]:
    """The cases with these ids, in the order of the ids."""
    rows = tx.sql(
        f"select {COLUMNS} from cases c left join runs r on r.id = c.run_id where c.id = any(%(ids)s::uuid[])",
        {"ids": list(ids)},
    ).all()
    place = {id: position for position, id in enumerate(ids)}
    return with_labels(tx, sorted(rows, key=lambda row: place[row.id]))


def events(tx: Tx, case_id: CaseId) -> list[CaseEvent]:
    """The history of a case, oldest first."""
    rows = tx.sql(
        """
        select e.id, e.case_id, e.type, e.reason, e.created_at, e.run_id, e.agent_id, a.name as agent_name, e.human_request_id, e.changes, e.by_key, e.by_person
        from case_history e left join agents a on a.id = e.agent_id where e.case_id = %(case_id)s
        order by e.id
        """,
        {"case_id": case_id},
    )
    return [CaseEvent(**row._asdict()) for row in rows]


def is_in(tx: Tx, case_id: UUID, queue_id: QueueId) -> bool:
    """Whether the queue has that case."""
    statement = "select 1 from cases where id = %(case_id)s and queue_id = %(queue_id)s"
    return tx.sql(statement, {"case_id": case_id, "queue_id": queue_id}).one_or_none() is not None


def lock(tx: Tx, ids: Sequence[UUID], queue_id: QueueId | None = None) -> list[Any]:
    """Lock cases in id order, as everywhere, and return the columns that people's actions need."""
    return list(
        tx.sql(
            """
            select id, queue_id, status, run_id, attempt, ready_at, human_request_id, assigned_agent_id from cases
            where id = any(%(ids)s::uuid[]) and (%(queue_id)s::uuid is null or queue_id = %(queue_id)s)
            order by id for no key update
            """,
            {"ids": list(ids), "queue_id": queue_id},
        )
    )


def last_agents(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, tuple[AgentId | None, str | None]]:
    """The agent that each case is delegated to, or else that had it last, with its name; None if nobody had it."""
    rows = tx.sql(
        """
        select c.id, a.id as agent_id, a.name from cases c
        left join lateral (select agent_id from runs where case_id = c.id order by id desc limit 1) r
          on c.assigned_agent_id is null
        left join agents a on a.id = coalesce(c.assigned_agent_id, r.agent_id)
        where c.id = any(%(ids)s::uuid[])
        """,
        {"ids": list(ids)},
    )
    return {row.id: (row.agent_id, row.name) for row in rows}


def lock_of_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId) -> list[UUID]:
    """Lock and return, in id order, the cases of a queue that an agent works on or that wait for it alone.

    They are looked up again after they are locked, because the transaction that held the lock may have ended a case, or
    assigned it to another agent.
    """
    statement = f"""
        select id from cases where id in (
          select id from cases where queue_id = %(queue_id)s and reserved_for = %(agent_id)s and lane is not null and not parked
          union select id from cases
          where queue_id = %(queue_id)s and reserved_for = %(agent_id)s and lane is not null and parked and line_id is not null
          union select id from cases b where queue_id = %(queue_id)s and run_agent_id = %(agent_id)s and {BOUND}
        ) order by id for no key update
        """
    values = {"agent_id": agent_id, "queue_id": queue_id}
    tx.sql(statement, values)
    return [row.id for row in tx.sql(statement, values)]


def ids_of(tx: Tx, queue_id: QueueId, until: datetime, most: int) -> list[UUID]:
    """Ids of the cases of a queue that were created by that moment, the oldest first."""
    rows = tx.sql(
        f"select id from {ALL_CASES} c where queue_id = %(queue_id)s and created_at <= %(until)s order by created_at, id limit %(most)s",
        {"queue_id": queue_id, "until": until, "most": most},
    )
    return [row.id for row in rows]


def delete(tx: Tx, ids: Sequence[UUID]) -> int:
    """Delete locked cases with their history, labels and requests; runs stay, without their case."""
    values = {"ids": list(ids)}
    tx.sql(f"update runs r set case_id = null, {same_status('r')} where case_id = any(%(ids)s::uuid[])", values)
    tx.sql("delete from case_labels where case_id = any(%(ids)s::uuid[])", values)
    tx.sql("delete from case_search where case_id = any(%(ids)s::uuid[])", values)
    tx.sql(
        """
        with gone as (delete from human_requests where case_id = any(%(ids)s::uuid[]) returning id)
        delete from human_request_votes v using gone where v.request_id = gone.id
        """,
        values,
    )
    tx.sql("delete from case_events where case_id = any(%(ids)s::uuid[])", values)
    return tx.sql("delete from cases where id = any(%(ids)s::uuid[])", values).rowcount


_CHANGE_SQL = f"""
with old as (
  select id, title, data, priority from cases
  where id = %(case_id)s and (%(run_id)s::uuid is null or (run_id = %(run_id)s and attempt = %(attempt)s and status = '{CaseStatus.CLAIMED}'))
  for no key update
)
update cases c set data = coalesce(%(data)s::json, c.data), title = coalesce(%(title)s, c.title),
  priority = coalesce(%(priority)s, c.priority), updated_at = {NOW},
  parked = c.parked and not %(leaves_line)s, line_id = case when not %(leaves_line)s then c.line_id end
from old where c.id = old.id
returning c.run_agent_id, c.title, c.data, c.priority, old.title as old_title, old.data as old_data, old.priority as old_priority
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that was changed, and by which run of which agent, if it was one."""

    case_id: CaseId
    run_id: RunId | None
    agent_id: AgentId | None
    old: dict[str, Any]
    new: dict[str, Any]


def change(
    tx: Tx,
    case_id: CaseId,
    fence: Fence | None,
    *,
    title: str | None,
    data: str | None,
    priority: Priority | None,
    relabels: bool = False,
) -> Changed | None:
    """Change a case; None if it does not exist, or if the run whose fence is given no longer holds it. `data` is JSON
    text, and None leaves a value as it is. The caller records the change in the same transaction. What a limit with a key may
    look at, data and labels, takes the case out of the line in which it waits: its next claim finds the right one."""
    held = fence.parameters() if fence else {"run_id": None, "attempt": None}
    values = {"title": title, "data": data, "priority": None if priority is None else priority.rank}
    values["leaves_line"] = relabels or data is not None
    row = tx.sql(_CHANGE_SQL, {**held, **values, "case_id": case_id}).one_or_none()
    if row is None:
        return None
    return Changed(
        case_id,
        fence.run_id if fence else None,
        row.run_agent_id if fence else None,
        {"title": row.old_title, "data": row.old_data, "priority": Priority.of_rank(row.old_priority)},
        {"title": row.title, "data": row.data, "priority": Priority.of_rank(row.priority)},
    )


def record_change(tx: Tx, changed: Changed, type: EventType, changes: Sequence[dict[str, Any]]) -> None:
    """Write the history's line about a change, and let searches find the case by its new words."""
    tx.sql(
        f"""
        with found_by as (
          update case_search set words = to_tsvector('simple', %(words)s) where case_id = %(case_id)s
        )
        insert into case_events (case_id, type, created_at, run_id, agent_id, changes, by_key, by_person)
        values (%(case_id)s, %(type)s, {NOW}, %(run_id)s, %(agent_id)s, %(changes)s::json, %(by_key)s, %(by_person)s)
        """,
        {
            "case_id": changed.case_id,
            "run_id": changed.run_id,
            "agent_id": changed.agent_id,
            # What a run changes, it does itself, whoever's connection it is.
            **({"by_key": None, "by_person": None} if changed.run_id else {}),
            "type": type,
            "changes": json.dumps(list(changes), ensure_ascii=False),
            "words": searchable(changed.new["title"], changed.new["data"]),
        },
    )
