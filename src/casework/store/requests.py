"""Human requests: what runs asked, and what people answered."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from casework.core.lifecycle import EventType
from casework.core.model import CaseId, HumanRequest, QueueId, RequestId, RequestKind, RunId, TeamId
from casework.store.database import NOW, Tx
from casework.store.transitions import Fence

_COLUMNS = "h.id, h.case_id, h.run_id, h.kind, h.title, h.description, h.options, h.answer, h.created_at, h.responded_at, h.cancelled_at, h.responded_by"


def _request(row: Any) -> HumanRequest:
    return HumanRequest(
        RequestId(row.id),
        CaseId(row.case_id),
        RunId(row.run_id),
        RequestKind(row.kind),
        row.title,
        row.description,
        tuple(row.options),
        row.answer,
        row.created_at,
        row.responded_at,
        row.cancelled_at,
        getattr(row, "case_title", ""),
        row.responded_by,
    )


def create(
    tx: Tx,
    request_id: UUID,
    fence: Fence,
    kind: RequestKind,
    title: str,
    description: str | None,
    options: Sequence[str],
) -> None:
    """Store an open request; the caller moves the case in the same transaction."""
    tx.sql(
        f"""
        insert into human_requests (id, case_id, run_id, kind, title, description, options, created_at)
        values (%(id)s, %(case_id)s, %(run_id)s, %(kind)s, %(title)s, %(description)s, %(options)s::json, {NOW})
        """,
        {
            **fence.parameters(),
            "id": request_id,
            "kind": kind,
            "title": title,
            "description": description,
            "options": json.dumps(list(options)),
        },
    )


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
    tx: Tx, team_id: TeamId, *, open_only: bool, queue_id: QueueId | None = None, limit: int = 100, offset: int = 0
) -> list[HumanRequest]:
    """The team's requests, the oldest first."""
    rows = tx.sql(
        f"""
        select {_COLUMNS}, c.title as case_title
        from human_requests h join cases c on c.id = h.case_id join queues q on q.id = c.queue_id
        where q.team_id = %(team_id)s and (%(queue_id)s::uuid is null or q.id = %(queue_id)s)
          and (not %(open_only)s or (h.responded_at is null and h.cancelled_at is null))
        order by h.created_at, h.id limit %(limit)s offset %(offset)s
        """,
        {"team_id": team_id, "queue_id": queue_id, "open_only": open_only, "limit": limit, "offset": offset},
    )
    return [_request(row) for row in rows]


def of_run(tx: Tx, run_id: RunId) -> list[HumanRequest]:
    """What a run has asked, the oldest first."""
    rows = tx.sql(
        f"select {_COLUMNS} from human_requests h where h.run_id = %(run_id)s order by h.id", {"run_id": run_id}
    )
    return [_request(row) for row in rows]


def answer(tx: Tx, request_id: RequestId, value: Any, by: str | None) -> bool:
    """Store the answer, once; False if the request is already answered or cancelled."""
    return (
        tx.sql(
            f"""
            update human_requests set answer = %(answer)s::json, responded_at = {NOW}, responded_by = %(by)s
            where id = %(id)s and responded_at is null and cancelled_at is null
            """,
            {"id": request_id, "answer": json.dumps(value), "by": by},
        ).rowcount
        == 1
    )


def cancel_of_cases(tx: Tx, case_ids: Sequence[UUID]) -> None:
    """Cancel the open requests of locked cases, with a line of history each."""
    tx.sql(
        f"""
        with cancelled as (
          update human_requests set cancelled_at = {NOW}
          where case_id = any(%(ids)s::uuid[]) and responded_at is null and cancelled_at is null
          returning id, case_id, run_id
        )
        insert into case_events (case_id, type, created_at, run_id, human_request_id)
        select case_id, '{EventType.INPUT_CANCELLED}', {NOW}, run_id, id from cancelled
        """,
        {"ids": list(case_ids)},
    )
