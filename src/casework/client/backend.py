"""What a run can do besides returning, over HTTP; and the records that the API's shapes become for an agent."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from casework.agents.run import HeldCase, History
from casework.client.exchange import Flow
from casework.client.leases import Lease
from casework.client.operations import Operations, written
from casework.client.shapes import Work
from casework.core import fields
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import Case, CaseId, Label, LabelId, LabelRef, NewCase, Priority, QueueId
from casework.core.steps import Step
from casework.core.unset import UNSET
from casework.core.usage import Usage

MAX_DELTA = 65_536
"""Characters of a streamed text in one request: as many as the API takes."""


class HttpBackend:
    """Each write is a flow: `perform` does it now or, for an async run, keeps it to be awaited."""

    def __init__(self, lease: Lease, perform: Callable[[Flow[Any]], Any]) -> None:
        self._lease, self._perform = lease, perform

    def say(self, type: str, content: Any, key: str) -> None:
        part = {"text_content": content["text"]} if type in ("text", "notice") else {type: content}
        self._perform(self._lease.write("message", type=type, key=key, **part))

    def record_step(self, name: str, value: str, awaited: bool = False) -> None:  # noqa: ARG002 - the API has no word for it
        self._perform(self._lease.write("step", name=name, value=json.loads(value)))

    def update(
        self, title: str | None, data: Any, priority: Priority | None, labels: Sequence[LabelRef] | None
    ) -> None:
        changes = {"title": title, "priority": priority, "labels": None if labels is None else _labels(labels)}
        given = {name: value for name, value in changes.items() if value is not None}
        self._perform(self._lease.write("update", **given, **({} if data is UNSET else {"data": data})))

    def add_cases(self, queue: str | None, cases: Sequence[NewCase], step: str) -> list[CaseId]:
        added: list[CaseId] = self._perform(self._add_cases(queue, cases, step))
        return added

    def list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        found: list[Case] = self._perform(self._list_cases(queue, statuses, title_contains, limit))
        return found

    def load_state(self, name: str) -> bytes | None:
        found: bytes | None = self._perform(self._load_state(name))
        return found

    def save_state(self, name: str, value: bytes) -> None:
        self._perform(self._lease.write("state/save", name=name, value=b64encode(value).decode()))

    def state_names(self, prefix: str) -> list[str]:
        found: list[str] = self._perform(self._state_names(prefix))
        return found

    def delete_state(self, name: str) -> None:
        self._perform(self._lease.write("state/delete", name=name))

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add_usage(self, usage: Usage, key: str) -> None:
        counts = {name: getattr(usage, name) for name in ("input_tokens", "output_tokens", "requests")}
        model = next(iter(usage.models), None)
        self._perform(self._lease.write("usage", **counts, cost=float(usage.cost), model=model, key=key))

    def stream(self, text: str) -> None:
        self._perform(self._stream(text))

    def _load_state(self, name: str) -> Flow[bytes | None]:
        found = yield from self._lease.call("state/load", name=name)
        return None if found["value"] is None else b64decode(found["value"])

    def _state_names(self, prefix: str) -> Flow[list[str]]:
        found = yield from self._lease.call("state/names", prefix=prefix)
        return list(found["names"])

    def _stream(self, text: str) -> Flow[None]:
        for start in range(0, len(text), MAX_DELTA):
            yield from self._lease.write("stream", text=text[start : start + MAX_DELTA])

    def _add_cases(self, queue: str | None, cases: Sequence[NewCase], step: str) -> Flow[list[CaseId]]:
        api, once = self._lease.api, f"{self._lease.run_id}-{step}"
        new: Any = [_new_case(case) for case in cases]
        added = yield from Operations.add_cases.flow(api, queue or self._lease.queue_id, new, idempotency_key=once)
        known = set(added["existing_case_ids"])
        ids = [case["id"] for case in added["added_cases"] if case["id"] not in known]
        yield from self._lease.write("step", name=step, value=ids)
        return [CaseId(UUID(id)) for id in ids]

    def _list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> Flow[list[Case]]:
        filters: Any = {"status": [*statuses]} if statuses else {}
        read = Operations.find_cases.reader(self._lease.api, queue or self._lease.queue_id, filters=filters)
        part, found = (title_contains or "").lower(), list[Case]()
        cursor: str | None = None
        while True:
            page, cursor = yield from read(cursor)
            found += [_case(one) for one in page if part in one["title"].lower()]
            if cursor is None or len(found) >= limit:
                return found[:limit]


def held_case(work: Work) -> HeldCase:
    """The case as its run holds it."""
    case = work["case"]
    return HeldCase(
        id=CaseId(UUID(case["id"])),
        queue_id=QueueId(UUID(case["queue_id"])),
        title=case["title"],
        data=case["data"],
        priority=Priority(case["priority"]),
        labels=tuple(LabelRef(label["value"], label["key"]) for label in case["labels"]),
        created_at=datetime.fromisoformat(case["created_at"]),
    )


def history(work: Work) -> History:
    """What the run has done before."""
    answered = [fields.answered_of(one) for one in work["answers"]]
    claimed = datetime.now(UTC)
    # Whoever awaits steps awaits those that are replayed, too: see AsyncPulledRun.
    return History(answered, {name: Step(name, value, claimed) for name, value in work["steps"].items()})


def _labels(labels: Sequence[LabelRef]) -> list[dict[str, str]]:
    return [{"key": label.key, "value": label.value} for label in labels]


def _new_case(case: NewCase) -> dict[str, Any]:
    fields = {"title": case.title, "data": case.data, "priority": case.priority, "key": case.key}
    ready_at = None if case.ready_at is None else written(case.ready_at)
    return {**fields, "labels": _labels(case.labels), "ready_at": ready_at}


_IDS = ("id", "queue_id", "assigned_agent_id", "claimed_by_run_id", "pending_human_request_id")
_MOMENTS = ("claimed_at", "completed_at", "postponed_to", "created_at", "updated_at")


def _case(found: Any) -> Case:
    """The record of a case."""
    fields = {name: found[name] for name in ("title", "data")} | {"key": found.get("key")}
    for names, read in ((_IDS, UUID), (_MOMENTS, datetime.fromisoformat)):
        fields |= {name: None if found[name] is None else read(found[name]) for name in names}
    run_status = found["agent_run_status"]
    return Case(
        **fields,
        status=CaseStatus(found["status"]),
        priority=Priority(found["priority"]),
        agent_run_status=None if run_status is None else RunStatus(run_status),
        labels=tuple(
            Label(LabelId(UUID(one["id"])), one["key"], one["value"], one["color_hue"]) for one in found["labels"]
        ),
    )
