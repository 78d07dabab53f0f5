"""The case that a tested agent holds, and the cases around it: what a run reads and changes besides its own record."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from casework.agents import HeldCase
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import Case, CaseId, Label, LabelId, LabelRef, NewCase, Priority, QueueId
from casework.core.unset import UNSET


@dataclass(frozen=True, slots=True)
class AddedCase:
    """A case that the agent added."""

    id: CaseId
    queue: str
    """The name or id that the agent gave, or the name of its case's queue."""
    title: str
    data: Any
    labels: tuple[LabelRef, ...]
    priority: Priority
    key: str | None
    ready_at: str | timedelta | datetime | None


class Cases:
    """The held case, and all others that the agent can see. Each queue that the agent names exists."""

    def __init__(self, held: NewCase, queue: str, present: Sequence[NewCase]) -> None:
        self.new_id: Callable[[], UUID] = map(UUID, (f"{number:032x}" for number in count(1))).__next__
        """An id that differs from all others here, and is the same whenever the test runs."""
        self._queue = queue
        self._queues = {queue: QueueId(self.new_id())}
        self._others: list[Case] = []
        self.added: list[AddedCase] = []
        self._held = replace(self._new(queue, held), status=CaseStatus.CLAIMED, agent_run_status=RunStatus.RUNNING)
        self._create(queue, present)

    @property
    def held(self) -> HeldCase:
        """The case, as an attempt that starts now gets it."""
        case = self._held
        labels = tuple(LabelRef(label.value, label.key) for label in case.labels)
        return HeldCase(case.id, case.queue_id, case.title, stored(case.data), case.priority, labels, case.created_at)

    def change(
        self, title: str | None, data: Any, priority: Priority | None, labels: Sequence[LabelRef] | None
    ) -> None:
        """Change the held case. What is None, or UNSET for data, stays as it is."""
        case = self._held
        self._held = replace(
            case,
            title=case.title if title is None else title,
            data=case.data if data is UNSET else stored(data),
            priority=case.priority if priority is None else priority,
            labels=case.labels if labels is None else self._labels(labels),
        )

    def add(self, queue: str | None, new: Sequence[NewCase]) -> list[CaseId]:
        """Add cases, except those whose keys the queue knows. Returns the ids of the new ones."""
        name = self._name(queue)
        created = self._create(name, new)
        self.added += [
            AddedCase(id, name, one.title, stored(one.data), one.labels, one.priority, one.key, one.ready_at)
            for id, one in created
        ]
        return [id for id, _ in created]

    def find(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        """Cases of a queue, newest first."""
        queue_id, words = self._queues.get(self._name(queue)), (title_contains or "").lower()
        found = [
            case
            for case in reversed([self._held, *self._others])
            if case.queue_id == queue_id and words in case.title.lower() and (not statuses or case.status in statuses)
        ]
        return found[:limit]

    def _name(self, queue: str | None) -> str:
        return queue if queue and queue != str(self._queues[self._queue]) else self._queue

    def _create(self, queue: str, new: Sequence[NewCase]) -> list[tuple[CaseId, NewCase]]:
        created = []
        for one in new:
            case = self._new(queue, one)
            if one.key is None or not any(
                other.key == one.key and other.queue_id == case.queue_id for other in (self._held, *self._others)
            ):
                self._others.append(case)
                created.append((case.id, one))
        return created

    def _new(self, queue: str, given: NewCase) -> Case:
        now = datetime.now(UTC)
        moment = now + given.moment if isinstance(given.moment, timedelta) else given.moment
        later = moment if moment and moment > now else None
        return Case(
            id=CaseId(self.new_id()),
            queue_id=self._queues.setdefault(queue, QueueId(self.new_id())),
            title=given.title,
            data=stored(given.data),
            status=CaseStatus.POSTPONED if later else CaseStatus.PENDING,
            priority=given.priority,
            assigned_agent_id=None,
            claimed_at=None,
            claimed_by_run_id=None,
            completed_at=None,
            postponed_to=later,
            pending_human_request_id=None,
            agent_run_status=None,
            labels=self._labels(given.labels),
            created_at=now,
            updated_at=now,
            key=given.key,
        )

    def _labels(self, refs: Sequence[LabelRef]) -> tuple[Label, ...]:
        in_order = sorted(set(refs), key=lambda ref: (ref.key, ref.value))
        return tuple(Label(LabelId(self.new_id()), ref.key, ref.value, 0) for ref in in_order)


def stored(value: Any) -> Any:
    """The value as the database gives it back: JSON, and no part of what the agent goes on with. Raises what writing it
    raises."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode())
