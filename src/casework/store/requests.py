"""Human requests: what runs asked, and what people answered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from casework.core.lifecycle import EventType
from casework.core.model import CaseId, QueueId, RequestId, RequestKind, RunId, TeamId
from casework.core.requests import (
    DEFAULT_DECISIONS,
    Action,
    Answer,
    Decision,
    HumanRequest,
    OnExpiry,
    Placed,
    Request,
    decided,
    no_answer,
    span_of,
)
from casework.core.unset import UNSET
from casework.store.connection import Asked, Rows
from casework.store.database import NOW, Tx
from casework.store.transitions import Fence

OPEN = "h.responded_at is null and h.cancelled_at is null"

_COLUMNS = """h.id, h.case_id, h.run_id, h.kind, h.title, h.description, h.options, h.answer, h.created_at, h.responded_at,
  h.cancelled_at, h.responded_by, h.action, h.schema, h.decisions, h.assignees, h.approvals_needed, h.group_id, h.position,
  h.key, h.expires_at, h.on_expiry, h.default_answer, h.postpone_seconds, h.remind_at, h.reminded_at, h.decision, h.arguments,
  h.message, h.by_key, h.by_person,
  case when h.approvals_needed > 1 then
    array(select coalesce(v.by_person, 'key ' || v.by_key, '') from human_request_votes v where v.request_id = h.id order by v.created_at, v.voter)
  end as approved_by"""


def _request(row: Any) -> HumanRequest:
    kind, answered = RequestKind(row.kind), row.responded_at is not None
    return HumanRequest(
        id=RequestId(row.id),
        case_id=CaseId(row.case_id),
        run_id=RunId(row.run_id),
        kind=kind,
        title=row.title,
        description=row.description,
        options=tuple(row.options),
        answer=row.answer,
        created_at=row.created_at,
        responded_at=row.responded_at,
        cancelled_at=row.cancelled_at,
        case_title=getattr(row, "case_title", ""),
        responded_by=row.responded_by,
        action=_action(row.action),
        schema=row.schema,
        decisions=tuple(map(Decision, row.decisions)) or DEFAULT_DECISIONS[kind],
        assignees=tuple(row.assignees),
        approvals_needed=row.approvals_needed,
        approved_by=tuple(row.approved_by or ()),
        group_id=RequestId(row.group_id) if row.group_id else None,
        position=row.position,
        key=row.key,
        expires_at=row.expires_at,
        on_expiry=OnExpiry(row.on_expiry) if row.on_expiry else None,
        default=row.default_answer,
        postpone_seconds=row.postpone_seconds,
        remind_at=row.remind_at,
        reminded_at=row.reminded_at,
        decision=Decision(row.decision) if row.decision else decided(kind, row.answer) if answered else None,
        arguments=row.arguments,
        message=row.message,
        by_key=row.by_key,
        by_person=row.by_person,
    )


def _action(stored: Mapping[str, Any] | None) -> Action | None:
    return None if stored is None else Action(**stored)


# The position of a request whose agent does not count its places is the next one.
_CREATE_SQL = f"""
with made as (
  insert into human_requests (id, case_id, run_id, kind, title, description, options, created_at, action, schema, decisions,
    assignees, approvals_needed, group_id, position, key, expires_at, on_expiry, default_answer, postpone_seconds, remind_at)
  select r.id, %(case_id)s, %(run_id)s, r.kind, r.title, r.description, r.options, {NOW}, r.action, r.schema, r.decisions,
    r.assignees, r.approvals, %(group_id)s,
    case when r.key is null then coalesce(r.position, r.place + (
      select count(*) from human_requests o where o.run_id = %(run_id)s and o.key is null)) end,
    r.key, {NOW} + make_interval(secs => r.expires), r.on_expiry, r."default", r.postpone, {NOW} + make_interval(secs => r.remind)
  from json_to_recordset(%(requests)s::json) as r (id uuid, place int, position int, kind text, title text, description text,
    options json, action json, schema json, decisions text[], assignees text[], approvals smallint, key text, expires float,
    on_expiry text, "default" json, postpone float, remind float)
  returning id, title
)
insert into case_events (case_id, type, reason, created_at, run_id, agent_id, human_request_id)
select %(case_id)s, '{EventType.NEEDS_INPUT}', m.title, {NOW}, %(run_id)s, (select agent_id from runs where id = %(run_id)s), m.id
from made m where m.id <> %(first_id)s order by m.id
"""


def create(tx: Tx, fence: Fence, placed: Sequence[Placed], ids: Sequence[UUID]) -> None:
    """Store the open requests of one wait, under these ids. The caller moves the case in the same transaction, with a line
    of history about the first request."""
    unkeyed = iter(range(len(placed)))
    rows = [
        {**_row(one.request), "id": str(id), "position": one.position, "place": 0 if one.request.key else next(unkeyed)}
        for one, id in zip(placed, ids, strict=True)
    ]
    tx.sql(
        _CREATE_SQL,
        {
            **fence.parameters(),
            "group_id": ids[0] if len(ids) > 1 else None,
            "first_id": ids[0],
            "requests": json.dumps(rows, ensure_ascii=False),
        },
    )


def _row(request: Request) -> dict[str, Any]:
    action = request.action
    return {
        "kind": request.kind,
        "title": request.title,
        "description": request.description,
        "options": [*request.options],
        "action": action and {"name": action.name, "arguments": action.arguments, "schema": action.schema},
        "schema": request.schema,
        "decisions": [*request.decisions],
        "assignees": [*request.assignees],
        "approvals": request.approvals,
        "key": request.key,
        "expires": span_of("expires", request.expires),
        "on_expiry": request.on_expiry if request.expires is not None else None,
        "default": None if request.default is UNSET else request.default,
        "postpone": span_of("postpone_for", request.postpone_for),
        "remind": span_of("remind", request.remind),
    }


def get(tx: Tx, team_id: TeamId, request_id: UUID) -> HumanRequest | None:
    """The team's request with that id."""
    row = tx.sql(
        f"""
        select {_COLUMNS}, c.title as case_title
        from human_requests h join cases c on c.id = h.case_id join queues q on q.id = c.queue_id
        where h.id = %(id)s and q.team_id = %(team_id)s
        """,
        {"id": request_id, "team_id": team_id},
    ).one_or_none()
    return _request(row) if row else None


def find(
    tx: Tx,
    team_id: TeamId,
    *,
    open_only: bool,
    queue_id: QueueId | None = None,
    kind: RequestKind | None = None,
    assignees: Sequence[str] | None = None,
    group_id: UUID | None = None,
    ids: Sequence[UUID] | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[HumanRequest]:
    """The team's requests, the oldest first. `assignees`: those that are assigned to one of these names."""
    rows = tx.sql(
        f"""
        select {_COLUMNS}, c.title as case_title
        from human_requests h join cases c on c.id = h.case_id join queues q on q.id = c.queue_id
        where q.team_id = %(team_id)s and (%(queue_id)s::uuid is null or q.id = %(queue_id)s)
          and (not %(open_only)s or ({OPEN})) and (%(kind)s::text is null or h.kind = %(kind)s)
          and (%(assignees)s::text[] is null or h.assignees && %(assignees)s)
          and (%(group_id)s::uuid is null or h.id = %(group_id)s or h.group_id = %(group_id)s)
          and (%(ids)s::uuid[] is null or h.id = any(%(ids)s::uuid[]))
        order by h.created_at, h.id limit %(limit)s offset %(offset)s
        """,
        {
            "team_id": team_id,
            "queue_id": queue_id,
            "open_only": open_only,
            "kind": kind,
            "assignees": None if assignees is None else list(assignees),
            "group_id": group_id,
            "ids": None if ids is None else list(ids),
            "limit": limit,
            "offset": offset,
        },
    )
    return [_request(row) for row in rows]


def of_run(tx: Tx, run_id: RunId) -> list[HumanRequest]:
    """What a run has asked, the oldest first. Requests of versions that kept no positions have that of their order."""
    rows = tx.sql(
        f"select {_COLUMNS} from human_requests h where h.run_id = %(run_id)s order by h.id", {"run_id": run_id}
    )
    found = [_request(row) for row in rows]
    unkeyed = iter(range(len(found)))
    return [
        one if one.key is not None or one.position is not None else replace(one, position=next(unkeyed))
        for one in found
    ]


def is_open(tx: Tx, waits_as: RequestId) -> bool:
    """Whether a request of a group waits for people."""
    statement = f"select exists (select from human_requests h where h.case_id = (select case_id from human_requests where id = %(id)s) and (h.id = %(id)s or h.group_id = %(id)s) and {OPEN})"
    found: bool = tx.sql(statement, {"id": waits_as}).scalar_one()
    return found


def answer(tx: Tx, request_id: RequestId, given: Answer) -> bool:
    """Store the answer, once; False if the request is already answered or cancelled."""
    return (
        tx.sql(
            f"""
            update human_requests h set answer = %(answer)s::json, responded_at = {NOW}, responded_by = %(by)s,
              decision = %(decision)s, arguments = %(arguments)s::json, message = %(message)s, by_key = %(by_key)s, by_person = %(by_person)s
            where id = %(id)s and {OPEN}
            """,
            {
                "id": request_id,
                "answer": _json(given.value),
                "by": given.by,
                "decision": given.decision,
                "arguments": _json(given.arguments),
                "message": given.message,
            },
        ).rowcount
        == 1
    )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def vote(tx: Tx, request_id: RequestId, voter: str, message: str | None) -> int | None:
    """Record an approval of a locked request, and return how many there are; None if the voter has approved before."""
    values = {"request_id": request_id, "voter": voter, "message": message}
    added = tx.sql(
        f"""
        insert into human_request_votes (request_id, voter, message, by_key, by_person, created_at)
        values (%(request_id)s, %(voter)s, %(message)s, %(by_key)s, %(by_person)s, {NOW}) on conflict do nothing
        """,
        values,
    ).rowcount
    if not added:
        return None
    count: int = tx.sql(
        "select count(*) from human_request_votes where request_id = %(request_id)s", values
    ).scalar_one()
    return count


def record(
    tx: Tx,
    request: HumanRequest,
    type: EventType,
    changes: Sequence[dict[str, Any]] | None = None,
    reason: str | None = None,
) -> None:
    """Write a line of history about a request, besides those that moves write."""
    tx.sql(
        f"""
        insert into case_events (case_id, type, reason, created_at, run_id, agent_id, human_request_id, changes, by_key, by_person)
        values (%(case_id)s, %(type)s, %(reason)s, {NOW}, %(run_id)s, (select agent_id from runs where id = %(run_id)s), %(id)s,
          %(changes)s::json, %(by_key)s, %(by_person)s)
        """,
        {
            "case_id": request.case_id,
            "type": type,
            "reason": reason,
            "run_id": request.run_id,
            "id": request.id,
            "changes": _json(changes),
        },
    )


@dataclass(frozen=True, slots=True)
class Due:
    """An open request that has expired, or of which people are to be reminded."""

    request_id: UUID
    case_id: UUID


def due_statement(most: int) -> Asked:
    """Find the requests that are due, the longest overdue first."""
    return (
        f"""
        select h.id, h.case_id from human_requests h
        where {OPEN} and (h.expires_at is not null or h.remind_at is not null) and least(h.expires_at, h.remind_at) <= {NOW}
        order by least(h.expires_at, h.remind_at) limit {int(most)}
        """,
        {},
    )


def due(rows: Rows) -> list[Due]:
    """What `due_statement` found."""
    return [Due(row.id, row.case_id) for row in rows]


def locked(tx: Tx, request_id: UUID) -> HumanRequest | None:
    """The request with that id, whatever its team. The caller has locked its case."""
    row = tx.sql(f"select {_COLUMNS} from human_requests h where h.id = %(id)s", {"id": request_id}).one_or_none()
    return _request(row) if row else None


def mark_reminded(tx: Tx, request_id: RequestId) -> None:
    """People were reminded of the request, and are not again."""
    tx.sql(f"update human_requests set remind_at = null, reminded_at = {NOW} where id = %(id)s", {"id": request_id})


def expire(tx: Tx, request_id: RequestId) -> None:
    """A locked open request has expired without an answer, and its run does not go on."""
    tx.sql(
        f"""
        update human_requests set cancelled_at = {NOW}, decision = %(decision)s, message = %(message)s
        where id = %(id)s
        """,
        {"id": request_id, "decision": no_answer().decision, "message": no_answer().message},
    )


def cancel_of_cases(tx: Tx, case_ids: Sequence[UUID]) -> None:
    """Cancel the open requests of locked cases, with a line of history each."""
    tx.sql(
        f"""
        with cancelled as (
          update human_requests h set cancelled_at = {NOW}
          where case_id = any(%(ids)s::uuid[]) and {OPEN}
          returning id, case_id, run_id
        )
        insert into case_events (case_id, type, created_at, run_id, human_request_id, by_key, by_person)
        select case_id, '{EventType.INPUT_CANCELLED}', {NOW}, run_id, id, %(by_key)s, %(by_person)s from cancelled
        """,
        {"ids": list(case_ids)},
    )
