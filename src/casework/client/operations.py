"""What a program can ask of the API, each operation written once. A `Client` returns what an operation returns, an
`AsyncClient` an awaitable of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import update_wrapper
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, cast, overload
from urllib.parse import quote
from uuid import UUID, uuid4

from casework.client import shapes as s
from casework.client.drivers import AsyncDriver, Driver, Reader
from casework.client.errors import NotEnded, NotFound
from casework.client.exchange import Flow, Pause, Request, Retries, call
from casework.core.duration import parse_when
from casework.core.unset import UNSET
from casework.errors import InvalidInput

P = ParamSpec("P")
T = TypeVar("T")

Id = str | UUID
When = str | timedelta | datetime

PAGE_SIZE = 100
"""As many as the API allows."""

FIRST_LOOK, LONGEST_LOOK = 0.1, 2.0
"""Seconds between two looks at a case that is waited for."""


class operation(Generic[P, T]):  # noqa: N801 - a decorator
    """A method that is a flow: called on a client, the client does it."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = flow
        update_wrapper(cast(Any, self), flow)

    @overload
    def __get__(self, client: Driver, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncDriver, owner: type) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> "operation[P, T]": ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        def perform(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.perform(self.flow(client, *args, **kwargs))

        return update_wrapper(perform, self.flow)


class paged(Generic[P, T]):  # noqa: N801 - a decorator
    """A method that reads pages: called on a client, it gives an iterator over the items of all of them."""

    def __init__(self, reader: Callable[Concatenate[Any, P], Reader[T]]) -> None:
        self.reader = reader
        update_wrapper(cast(Any, self), reader)

    @overload
    def __get__(self, client: Driver, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: AsyncDriver, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> "paged[P, T]": ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        def iterate(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.iterate(self.reader(client, *args, **kwargs))

        return update_wrapper(iterate, self.reader)


class Operations:
    """The operations of both clients. Each raises ClientError, see `casework.client.errors`."""

    def __init__(self, retries: Retries) -> None:
        self.retries = retries
        self._queues: dict[str, str] = {}

    def _call(self, method: str, path: str, body: Any = None, **options: Any) -> Flow[Any]:
        return call(Request(method, path, body, **options), self.retries)

    @operation
    def add_cases(
        self, queue: Id, cases: Sequence[s.NewCase], *, idempotency_key: str | None = None
    ) -> Flow[s.AddedCases]:
        """Create up to 100 cases in the queue with that name or id: all of them or none.

        Called again with the same `idempotency_key` and cases within 24 hours, it creates nothing and returns the same. Without
        one, each call has its own, so that its retries create nothing twice. A case with a known `key` is not created
        again, however late.
        """
        body, once = {"cases": list(cases)}, idempotency_key or str(uuid4())
        return self._in_queue(queue, "POST", "/cases", body, idempotency_key=once)

    @operation
    def add_case(
        self,
        queue: Id,
        title: str,
        *,
        data: Any = "",
        labels: Sequence[s.LabelRef] = (),
        priority: s.Priority = "none",
        key: str | None = None,
        ready_at: When | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[s.Case]:
        """Create a case, and return it; if its `key` is known, return the case that has it. See `add_cases`."""
        case: dict[str, Any] = {"title": title, "data": data, "labels": list(labels), "priority": priority, "key": key}
        body = {"cases": [{**case, "ready_at": None if ready_at is None else written(ready_at)}]}
        once = idempotency_key or str(uuid4())
        added: s.AddedCases = yield from self._in_queue(queue, "POST", "/cases", body, idempotency_key=once)
        return added["added_cases"][0]

    @operation
    def get_case(self, case_id: Id) -> Flow[s.CaseWithEvents]:
        """The case and its history, oldest first."""
        return self._call("GET", f"/cases/{part(case_id)}")

    @operation
    def explain_case(self, case_id: Id) -> Flow[s.Explanation]:
        """Why the case is not being worked on."""
        return self._call("GET", f"/cases/{part(case_id)}/explain")

    @paged
    def find_cases(
        self,
        queue: Id,
        *,
        search: str | None = None,
        filters: s.Filters | None = None,
        sort_by: s.SortBy = "created_at",
        sort_order: s.SortOrder = "desc",
    ) -> Reader[s.Case]:
        """All cases that match, page by page. `search` takes words, "quoted phrases" and -excluded words."""
        asked = {"search": search, "filters": filters or {}, "sort_by": sort_by, "sort_order": sort_order}

        def read(cursor: str | None) -> Flow[tuple[list[s.Case], str | None]]:
            body = {**asked, "limit": PAGE_SIZE, "cursor": cursor}
            page = yield from self._in_queue(queue, "POST", "/cases/search", body, repeatable=True)
            return page["cases"], page["next_cursor"]

        return read

    @operation
    def wait_for_case(
        self, case_id: Id, *, timeout: float = 300.0, until: Sequence[s.CaseStatus] = ("completed", "failed")
    ) -> Flow[s.CaseWithEvents]:
        """Look at the case until it has one of these statuses, and return it with its history.

        Raises NotEnded after `timeout` seconds, and NotFound if the case was deleted.
        """
        end, pause = self.retries.clock() + timeout, FIRST_LOOK
        while True:
            found: s.CaseWithEvents = yield from self._call("GET", f"/cases/{part(case_id)}")
            status = found["case"]["status"]
            if status in until:
                return found
            left = end - self.retries.clock()
            if left <= 0:
                raise NotEnded(f"The case {case_id} is still {status} after {timeout:g} seconds.")
            yield Pause(min(pause, left))
            pause = min(pause * 1.5, LONGEST_LOOK)

    @operation
    def update_case(
        self, case_id: Id, *, title: str | None = None, data: Any = UNSET, priority: s.Priority | None = None
    ) -> Flow[s.CaseWithEvents]:
        """Change the case, whatever its status; what is not given stays as it is."""
        changes = {"title": title, "priority": priority}
        body = {name: value for name, value in changes.items() if value is not None}
        return self._call("PATCH", f"/cases/{part(case_id)}", body if data is UNSET else {**body, "data": data})

    @operation
    def delete_case(self, case_id: Id) -> Flow[list[str]]:
        """Delete the case. Returns the ids of the live runs that were interrupted."""
        deleted = yield from self._call("DELETE", f"/cases/{part(case_id)}")
        return cast(list[str], deleted["interruptedRunIds"])

    @operation
    def retry_cases(self, queue: Id, case_ids: Sequence[Id], *, same_agent: bool = False) -> Flow[s.Retried]:
        """Set up to 100 cases of the queue back to pending; live runs are interrupted. With `same_agent`, each case
        stays with the agent that it was delegated to, or that had it last."""
        return self._bulk(queue, "retry", case_ids, same_agent=same_agent)

    @operation
    def delegate_cases(self, queue: Id, case_ids: Sequence[Id], agent: Id) -> Flow[s.Delegated]:
        """Give up to 100 cases of the queue to the agent with that name or id; live runs are interrupted."""
        agent_id = as_id(agent) or (yield from self._find("agents", str(agent)))
        done: s.Delegated = yield from self._bulk(queue, "delegate", case_ids, agent_id=agent_id)
        return done

    @operation
    def postpone_cases(
        self, queue: Id, case_ids: Sequence[Id], until: When, *, reason: str | None = None
    ) -> Flow[s.Postponed]:
        """Set up to 100 cases of the queue aside: for "2h" or a timedelta, or until an aware moment."""
        return self._bulk(queue, "postpone", case_ids, until=written(until), reason=reason)

    @operation
    def settle_cases(
        self, queue: Id, case_ids: Sequence[Id], status: Literal["completed", "failed"]
    ) -> Flow[s.Updated]:
        """End up to 100 cases of the queue by hand; live runs are interrupted."""
        return self._bulk(queue, "update-status", case_ids, status=status)

    @operation
    def delete_cases(self, queue: Id, case_ids: Sequence[Id]) -> Flow[s.Deleted]:
        """Delete up to 100 cases of the queue; live runs are interrupted."""
        return self._bulk(queue, "delete", case_ids)

    @operation
    def stop_run(self, run_id: Id, *, reason: str | None = None) -> Flow[None]:
        """Stop the run; its case fails with the reason."""
        yield from self._call("POST", f"/runs/{part(run_id)}/stop", {"reason": reason})

    @operation
    def list_requests(
        self,
        queue: Id | None = None,
        *,
        pending: bool = True,
        kind: s.RequestType | None = None,
        assignee: str | None = None,
        most: int = 1000,
    ) -> Flow[list[s.HumanRequest]]:
        """What runs ask of people, the oldest first: the first `most` of those that wait, or of all.

        `assignee` is the name of a key or a person, or "me" for the client's key and its person.
        """
        query: dict[str, Any] = {"status": "pending" if pending else "all", "limit": PAGE_SIZE}
        query |= {name: value for name, value in (("kind", kind), ("assignee", assignee)) if value is not None}
        if queue is not None:
            query["queue_id"] = as_id(queue) or (yield from self._find("queues", str(queue)))
        # All pages are read before the first answer: an answer would move what comes after it to an earlier page.
        found: list[s.HumanRequest] = []
        while len(found) < most:
            page = yield from self._call("GET", "/human-requests", query={**query, "offset": len(found)})
            found += page["human_requests"]
            if len(page["human_requests"]) < PAGE_SIZE:
                break
        return found[:most]

    @operation
    def get_request(self, request_id: Id) -> Flow[s.HumanRequest]:
        """What a run asked, and what people answered."""
        found = yield from self._call("GET", f"/human-requests/{part(request_id)}")
        return cast(s.HumanRequest, found["human_request"])

    @operation
    def answer(self, request: s.HumanRequest, value: Any, *, message: str | None = None) -> Flow[s.HumanRequest]:
        """Answer a question or a form: with text, or with what its schema demands. A second answer raises Conflict, which says
        what the first one was."""
        return self._respond(request, "respond", message, value=value)

    @operation
    def approve(self, request: s.HumanRequest, *, message: str | None = None) -> Flow[s.HumanRequest]:
        """Approve what a run asks approval for. A second answer raises Conflict."""
        return self._respond(request, "approve", message)

    @operation
    def deny(self, request: s.HumanRequest, *, message: str | None = None) -> Flow[s.HumanRequest]:
        """Deny what a run asks approval for. A second answer raises Conflict."""
        return self._respond(request, "reject", message)

    @operation
    def edit(
        self, request: s.HumanRequest, arguments: dict[str, Any], *, message: str | None = None
    ) -> Flow[s.HumanRequest]:
        """Approve the action with these arguments instead of its own. A second answer raises Conflict."""
        return self._respond(request, "edit", message, arguments=arguments)

    def _respond(
        self, request: s.HumanRequest, decision: s.Decision, message: str | None, **given: Any
    ) -> Flow[s.HumanRequest]:
        body = {"decision": decision, "message": message, **given}
        answered = yield from self._call("POST", f"/human-requests/{part(request['id'])}/answer", body)
        return cast(s.HumanRequest, answered["human_request"])

    def _bulk(self, queue: Id, act: str, case_ids: Sequence[Id], **fields: Any) -> Flow[Any]:
        if isinstance(case_ids, str | UUID):
            raise InvalidInput(f"Give the ids of the cases as a list: [{str(case_ids)!r}].")
        body = {"case_ids": [str(id) for id in case_ids], **fields}
        return self._in_queue(queue, "POST", f"/cases/bulk-{act}", body)

    def _in_queue(self, queue: Id, method: str, path: str, body: Any, **options: Any) -> Flow[Any]:
        """A call on the queue with that name or id. An id that was found earlier may be of a queue that was deleted since."""
        name, id = str(queue), as_id(queue)
        known = id or self._queues.get(name)
        if known is None:
            known = id = self._queues[name] = yield from self._find("queues", name)
        try:
            return (yield from self._call(method, f"/queues/{known}{path}", body, **options))
        except NotFound:
            if id is not None:
                raise
            found = self._queues[name] = yield from self._find("queues", name)
            return (yield from self._call(method, f"/queues/{found}{path}", body, **options))

    def _find(self, kind: str, name: str) -> Flow[str]:
        """The id of the queue or agent with that name."""
        listed = yield from self._call("GET", f"/{kind}")
        ids = {one["name"]: one["id"] for one in listed[kind]}
        if name not in ids:
            message = f"There is no {kind.removesuffix('s')} {name!r}."
            raise NotFound(message, status=404, code="not_found")
        return cast(str, ids[name])


def part(id: Id) -> str:
    """The id in a path: text that is none cannot lead to another operation."""
    return quote(str(id), safe="")


def as_id(ref: Id) -> str | None:
    """The reference as an id; None if it is a name."""
    try:
        return str(UUID(str(ref)))
    except ValueError:
        return None


def written(when: When) -> str:
    """A time as the API reads it. Raises InvalidInput for what is neither a span nor an aware moment."""
    if isinstance(when, str):
        return when
    moment = parse_when(when)
    return f"{moment.total_seconds():.6f}s" if isinstance(moment, timedelta) else moment.isoformat()
