"""Tools that only read."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from casework.core import search
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, QueueMode
from casework.core.roles import Right
from casework.core.search import MAX_QUERY
from casework.mcp import shapes
from casework.mcp.bounds import WithData, cut, piece
from casework.mcp.caller import Caller
from casework.mcp.shapes import CaseRef, Offset, QueueRef
from casework.mcp.tool import tool
from casework.service import cases, listing, queues, requests, runs
from casework.service.diagnosis import queue as diagnosis
from casework.service.diagnosis.case import explain
from casework.service.paging import MAX_CURSOR

Limit = Annotated[int, Field(ge=1, le=50)]

_QUEUES, _HISTORY, _RUNS, _MESSAGES, _ASKED = 50, 30, 5, 10, 10
"""How much of each one result holds."""

_LISTED = 500
"""Characters of each text and value of a request, and of the labels of a case, in a list."""


class Queue(BaseModel):
    id: str
    name: str
    mode: QueueMode
    description: str | None = None


class Queues(BaseModel):
    queues: list[Queue]
    next_offset: int | None = Field(None, description="Give it as offset for the next page.")


@tool(Right.READ, reads=True)
def list_queues(caller: Caller, offset: Offset = 0) -> Queues:
    """List the queues by name."""
    found = queues.find(caller.reads, caller.team)
    end = offset + _QUEUES
    return Queues(
        queues=[
            Queue(id=str(one.id), name=one.name, mode=one.mode, description=one.description)
            for one in found[offset:end]
        ],
        next_offset=end if end < len(found) else None,
    )


class Consumer(BaseModel):
    agent: str
    trigger: bool = Field(description="Whether it takes cases that are not reserved for it.")
    concurrency: int | None = None
    used_slots: int


class QueueState(BaseModel):
    name: str
    mode: QueueMode
    cases: dict[str, int] = Field(description="Cases by status.")
    oldest_pending_seconds: float | None = None
    ended_last_hour: int
    problems: dict[str, int] = Field(description="Counts of what went wrong.")
    agents: list[Consumer]
    stands_still: str | None = Field(
        None, description="Why the queue stands still, and what helps; missing if it moves."
    )


@tool(Right.READ, reads=True)
def queue_state(caller: Caller, queue: QueueRef) -> QueueState:
    """Show what a queue holds, which agents work on it, and, if it stands still, why."""
    db, team = caller.reads, caller.team
    found = diagnosis.diagnose_one(db, caller.casework.settings, team, queue)
    stats = queues.stats(db, team, found.queue.id)
    return QueueState(
        name=found.queue.name,
        mode=found.queue.mode,
        cases=stats.cases,
        oldest_pending_seconds=stats.oldest_pending_seconds,
        ended_last_hour=stats.ended_last_hour,
        problems=stats.counters,
        agents=[
            Consumer(agent=one.agent_name, trigger=one.trigger, concurrency=one.concurrency, used_slots=one.used_slots)
            for one in queues.consumers(db, team, found.queue.id)
        ],
        stands_still=found.message,
    )


class FoundCase(shapes.Case):
    match: str | None = Field(None, description="Where the text was found in the data.")


class Found(BaseModel):
    cases: list[FoundCase]
    total: int
    next_cursor: str | None = Field(None, description="Give it as cursor for the next page.")


@tool(Right.READ, reads=True)
def search_cases(
    caller: Caller,
    queue: QueueRef,
    text: Annotated[
        str, Field(max_length=MAX_QUERY, description='Words, "quoted phrases" and -not, in title and data.')
    ]
    | None = None,
    status: list[CaseStatus] | None = None,
    labels: shapes.Labels | None = None,
    limit: Limit = 20,
    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] | None = None,
) -> Found:
    """Find cases of a queue, newest first; without criteria, all. Their data is left out: get_case shows it."""
    accepted: dict[str, tuple[str, ...]] = {}
    for label in shapes.read_labels(labels):
        accepted[label.key] = (*accepted.get(label.key, ()), label.value)
    wanted = CaseFilter(tuple(dict.fromkeys(status or ())), accepted, search=text)
    db, team = caller.reads, caller.team
    page = listing.page(db, caller.counts, team, queues.get(db, team, queue).id, wanted, limit=limit, cursor=cursor)
    snippets = search.Snippets(text or "")
    found = [
        FoundCase(**shapes.case_fields(case, _LISTED), match=_match(snippets.of(case.data))) for case in page.cases
    ]
    return Found(cases=found, total=page.total, next_cursor=page.next_cursor)


def _match(snippet: dict[str, str] | None) -> str | None:
    return cut("".join(snippet.values()), 200) if snippet else None


class FullCase(shapes.Case, WithData):
    queue: str
    why: str = Field(description="Why it is not being worked on now, or how it ended.")
    asks: list[shapes.Request] = Field(description="What waits for a person now.")
    runs: list[shapes.Run] = Field(description="Its latest runs, newest first.")
    messages: list[shapes.Message] = Field(description="What its latest run said and called last, newest last.")
    history: list[shapes.Event] = Field(description="Oldest first.")
    history_next: int | None = Field(None, description="Give it as history_from for later events.")


@tool(Right.READ, reads=True)
def get_case(caller: Caller, case_id: CaseRef, data_from: Offset = 0, history_from: Offset = 0) -> FullCase:
    """Read a case: its data, why it stands where it stands, what it asks people, its runs, the latest messages, and its history."""
    db, team = caller.reads, caller.team
    case, events = cases.get(db, team, case_id)
    of_case = runs.of_case(db, team, case_id)
    said = runs.recent(db, team, case_id, of_case[0].id, _MESSAGES) if of_case else []
    waits_for = case.pending_human_request_id
    asked = requests.find(db, team, group_id=waits_for, limit=_ASKED) if waits_for else []
    end = history_from + _HISTORY
    return FullCase(
        **shapes.case_fields(case),
        **piece(case.data, data_from),
        queue=queues.get(db, team, case.queue_id).name,
        why=explain(db, caller.casework.settings, team, case_id).message,
        asks=[shapes.request_of(request, _LISTED) for request in asked],
        runs=[
            shapes.Run(
                id=one.id, agent=one.agent_name, status=one.status, outcome=one.outcome, claimed_at=one.claimed_at
            )
            for one in of_case[:_RUNS]
        ],
        messages=[shapes.message_of(message) for message in said],
        history=[
            shapes.Event(
                at=one.created_at,
                type=one.type,
                reason=cut(one.reason, 500),
                agent=one.agent_name,
                by=one.by_person or one.by_key,
            )
            for one in events[history_from:end]
        ],
        history_next=end if end < len(events) else None,
    )


class Explanation(BaseModel):
    code: str
    message: str
    until: str | None = None


@tool(Right.READ, reads=True)
def explain_case(caller: Caller, case_id: CaseRef) -> Explanation:
    """Say why a case is not being worked on now, as a code and a sentence."""
    found = explain(caller.reads, caller.casework.settings, caller.team, case_id)
    return Explanation(code=found.code, message=found.message, until=found.until.isoformat() if found.until else None)


class Requests(BaseModel):
    requests: list[shapes.Request]
    next_offset: int | None = Field(None, description="Give it as offset for the next page.")


@tool(Right.READ, reads=True)
def list_requests(
    caller: Caller,
    queue: QueueRef | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
    request_id: Annotated[UUID, Field(description="Only this one, with more of its texts, answered or not.")]
    | None = None,
) -> Requests:
    """List what waits for a person, the oldest first: questions, approvals and forms."""
    db, team = caller.reads, caller.team
    if request_id is not None:
        return Requests(requests=[shapes.request_of(requests.get(db, team, request_id))])
    queue_id = queues.get(db, team, queue).id if queue else None
    found = requests.find(db, team, queue_id=queue_id, limit=limit + 1, offset=offset)
    shown = [shapes.request_of(request, _LISTED) for request in found[:limit]]
    return Requests(requests=shown, next_offset=offset + limit if len(found) > limit else None)


TOOLS = (list_queues, queue_state, search_cases, get_case, explain_case, list_requests)
