"""Cases: the contract's single-case operations, lists and search."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Response

from casework.api import schemas as s
from casework.api.auth import Adder, Caller, Manager, Operator, Reader
from casework.api.route import GuardedRoute
from casework.api.search_request import SearchCases
from casework.api.types import MAX_OFFSET, LooseId, Moment, StrictId, listed
from casework.core import fields, model, search
from casework.core.effects import to_claim
from casework.core.lifecycle import CaseStatus
from casework.core.search import MAX_QUERY
from casework.core.statuses import read_statuses
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.service import cases, listing, queues, runs
from casework.service.diagnosis.case import explain
from casework.service.idempotency import perform_once
from casework.service.listing import Order, SortBy, SortOrder
from casework.service.paging import MAX_CURSOR

router = APIRouter(tags=["cases"], route_class=GuardedRoute)


def new_case(given: s.NewCase) -> model.NewCase:
    """The case of a request."""
    labels = tuple(model.LabelRef(label.value, label.key) for label in given.labels)
    return model.NewCase(given.title, given.data, labels, given.priority, given.key, given.ready_at)


def _new_cases(given: Sequence[s.NewCase]) -> list[model.NewCase]:
    """The cases of a request. Raises InvalidInput, with the place of the case."""
    new = []
    for place, one in enumerate(given):
        try:
            new.append(new_case(one))
        except InvalidInput as error:
            raise InvalidInput(f"cases.{place}: {error}") from None
    return new


def _page(
    caller: Caller,
    queue_id: UUID,
    wanted: model.CaseFilter,
    order: Order,
    *,
    limit: int,
    offset: int,
    cursor: str | None,
) -> dict[str, Any]:
    found = listing.page(
        caller.reads,
        caller.counts,
        caller.team,
        queue_id,
        wanted,
        order,
        limit=limit,
        offset=offset,
        cursor=cursor,
    )
    snippets = search.Snippets(wanted.search or "")
    return {
        "cases": [_found_case(case, snippets) for case in found.cases],
        "total": found.total,
        "limit": found.limit,
        "offset": found.offset,
        "next_cursor": found.next_cursor,
    }


def _found_case(case: model.Case, snippets: search.Snippets) -> dict[str, Any]:
    found = s.Case.model_validate(case).model_dump(exclude_unset=True)
    snippet = snippets.of(case.data)
    return {**found, "search_match_data_snippet": snippet} if snippet else found


@router.get(
    "/queues/{queue_id}/cases",
    operation_id="list_cases",
    response_model=s.CasePage,
    response_model_exclude_unset=True,
    summary="List cases",
)
def list_cases(
    caller: Reader,
    queue_id: LooseId,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    status: Annotated[
        str | None,
        Query(
            max_length=200,
            description="One or more statuses, comma-separated.",
            json_schema_extra={"pattern": listed(CaseStatus)},
        ),
    ] = None,
    search: Annotated[
        str | None, Query(max_length=MAX_QUERY, description='Words, "quoted phrases" and -not, in title and data.')
    ] = None,
    created_at_from: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    updated_at_from: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    sort_by: SortBy = SortBy.CREATED_AT,
    sort_order: SortOrder = SortOrder.DESC,
    cursor: Annotated[
        str | None, Query(max_length=MAX_CURSOR, description="The next_cursor of the page before; instead of offset.")
    ] = None,
) -> dict[str, Any]:
    """List cases of a queue."""
    wanted = model.CaseFilter(
        read_statuses(CaseStatus, status, "status"),
        search=search,
        created_from=created_at_from,
        updated_from=updated_at_from,
    )
    return _page(caller, queue_id, wanted, Order(sort_by, sort_order), limit=limit, offset=offset, cursor=cursor)


@router.post(
    "/queues/{queue_id}/cases/search",
    operation_id="search_cases",
    response_model=s.CasePage,
    response_model_exclude_unset=True,
    summary="Search cases",
)
def search_cases(
    caller: Reader, queue_id: LooseId, body: Annotated[SearchCases | None, Body()] = None
) -> dict[str, Any]:
    """Search and filter cases of a queue."""
    asked = body or SearchCases()
    filters = asked.filters
    wanted = model.CaseFilter(
        tuple(dict.fromkeys(filters.status or ())),
        search=asked.search,
        created_from=filters.created_at_from,
        created_to=filters.created_at_to,
        updated_from=filters.updated_at_from,
        updated_to=filters.updated_at_to,
        labels={key: tuple(values) for key, values in (filters.labels or {}).items()},
    )
    order = Order(asked.sort_by, asked.sort_order)
    return _page(caller, queue_id, wanted, order, limit=asked.limit, offset=asked.offset, cursor=asked.cursor)


@router.post(
    "/queues/{queue_id}/cases",
    operation_id="create_cases",
    status_code=201,
    response_model=s.AddedCases,
    response_model_exclude_unset=True,
    summary="Create cases",
)
def create_cases(
    caller: Adder,
    queue_id: LooseId,
    body: s.CreateCases,
    response: Response,
    idempotency_key: Annotated[
        str | None, Header(max_length=255, description="The same key and body get the same answer, for 24 hours.")
    ] = None,
) -> Any:
    """Create one case or up to a hundred, all or none. A case whose key is known is not created again: the first one is returned."""
    if len(body.model_fields_set) != 1 or (body.case is None) == (body.cases is None):
        raise InvalidInput("Give exactly one of case and cases.")
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    new = [new_case(body.case)] if body.case is not None else _new_cases(body.cases or [])
    if idempotency_key is None:
        done = casework.perform(cases.create_and_get(caller.db, queue.id, new))
        return {"added_cases": done.cases, "existing_case_ids": done.existing}
    request = f"{queue.id} {body.model_dump_json()}"
    answer, performed = perform_once(
        caller.db,
        caller.team,
        idempotency_key,
        request,
        lambda tx: _added(cases.create_and_get_within(tx, queue.id, new)),
    )
    if performed:
        casework.effects(to_claim(queue.id, len(answer["added_cases"]) - len(answer["existing_case_ids"])))
    else:
        response.headers["idempotent-replayed"] = "true"
    return answer


def _added(created: cases.Created) -> dict[str, Any]:
    added = [s.Case.model_validate(case) for case in created.cases]
    return s.AddedCases(added_cases=added, existing_case_ids=list(created.existing)).model_dump(
        mode="json", exclude_unset=True
    )


@router.delete(
    "/queues/{queue_id}/cases",
    operation_id="clear_queue",
    response_model=s.Cleared,
    summary="Delete all cases of a queue",
)
def clear_queue(caller: Manager, queue_id: LooseId) -> dict[str, Any]:
    """Delete every case in the queue; live runs are interrupted first."""
    casework = caller.casework
    count, interrupted = casework.perform(cases.clear(caller.db, casework.settings, caller.team, queue_id))
    return {"success": True, "deletedCount": count, "interruptedRunIds": interrupted}


@router.get(
    "/cases/{case_id}",
    operation_id="get_case",
    response_model=s.CaseWithEvents,
    response_model_exclude_unset=True,
    summary="Get a case and its history",
)
def get_case(caller: Reader, case_id: LooseId) -> dict[str, Any]:
    """The case and its events, oldest first."""
    case, events = cases.get(caller.reads, caller.team, case_id)
    return with_events(case, events)


def with_events(case: model.Case, events: Sequence[model.CaseEvent]) -> dict[str, Any]:
    """The response with a case and its history."""
    fields = s.CaseEvent.model_fields
    return {
        "case": case,
        "events": [{**{name: getattr(event, name) for name in fields}, "id": str(event.id)} for event in events],
    }


@router.patch(
    "/cases/{case_id}",
    operation_id="update_case",
    response_model=s.CaseWithEvents,
    response_model_exclude_unset=True,
    summary="Change a case",
)
def update_case(caller: Operator, case_id: LooseId, body: s.PatchCase) -> dict[str, Any]:
    """Change title, data or priority, whatever the case's status; what is not given stays."""
    casework = caller.casework
    if not body.model_fields_set:
        raise InvalidInput("Give at least one of title, data and priority.")
    data = body.data if "data" in body.model_fields_set else UNSET
    case, events = casework.perform(
        cases.update(caller.db, caller.team, case_id, title=body.title, priority=body.priority, data=data)
    )
    return with_events(case, events)


@router.delete("/cases/{case_id}", operation_id="delete_case", response_model=s.DeletedCase, summary="Delete a case")
def delete_case(caller: Operator, case_id: LooseId) -> dict[str, Any]:
    """Delete a case; its live run is interrupted first."""
    casework = caller.casework
    interrupted = casework.perform(cases.delete_one(caller.db, casework.settings, caller.team, case_id))
    return {"success": True, "interruptedRunIds": interrupted}


@router.get(
    "/cases/{case_id}/runs", operation_id="list_case_runs", response_model=s.CaseRuns, summary="List the runs of a case"
)
def list_case_runs(caller: Reader, case_id: StrictId) -> dict[str, Any]:
    """Runs that claimed the case or received it by handover, newest first."""
    return {"runs": runs.of_case(caller.reads, caller.team, case_id)}


@router.get(
    "/cases/{case_id}/runs/{run_id}/recent-messages",
    operation_id="list_recent_messages",
    response_model=s.Messages,
    response_model_exclude_none=True,
    summary="List what a run said last",
)
def list_recent_messages(
    caller: Reader, case_id: StrictId, run_id: StrictId, limit: Annotated[int, Query(ge=1, le=10)] = 3
) -> dict[str, Any]:
    """The latest assistant texts and tool calls, newest last."""
    return {
        "messages": [fields.of_message(one) for one in runs.recent(caller.reads, caller.team, case_id, run_id, limit)]
    }


class Explanation(s.Out):
    """Why a case is not being worked on."""

    code: str
    message: str
    until: datetime | None


@router.get(
    "/cases/{case_id}/explain",
    operation_id="explain_case",
    response_model=Explanation,
    summary="Why a case is not running",
)
def explain_case(caller: Reader, case_id: LooseId) -> Any:
    """The first reason why this case is not being worked on right now, as a code and a sentence."""
    return explain(caller.reads, caller.casework.settings, caller.team, case_id)
