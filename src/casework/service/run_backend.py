"""Writes of a run while it works, in a worker or elsewhere. Each is a transaction, fenced by the attempt that holds the case."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from casework.core.effects import Effects
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseFilter, CaseId, LabelRef, NewCase, Priority, QueueId
from casework.errors import RunLost
from casework.service import cases, queues
from casework.service.changes import change
from casework.service.holding import Holder
from casework.store import listing, messages, runs
from casework.store.database import Database, Tx

Perform = Callable[[Effects], None]


class RunBackend:
    """The backend of one attempt's `Run`."""

    def __init__(self, db: Database, holder: Holder, perform: Perform) -> None:
        self._db = db
        self._holder = holder
        self._fence = holder.fence
        self._perform = perform

    def say(self, type: str, content: Any, key: str) -> None:
        self._write(f"a message ({type})", lambda tx: messages.say(tx, self._fence, type, content, key))

    def record_step(self, name: str, value: str, awaited: bool = False) -> None:
        self._write(f"step {name!r}", lambda tx: messages.record_step(tx, self._fence, name, value, awaited))

    def update(
        self, title: str | None, data: Any, priority: Priority | None = None, labels: Sequence[LabelRef] | None = None
    ) -> None:
        def write(tx: Tx) -> bool:
            return change(
                tx,
                self._holder.queue_id,
                self._fence.case_id,
                fence=self._fence,
                title=title,
                data=data,
                priority=priority,
                relabel=None if labels is None else lambda _: labels,
            )

        self._write("a change of the case", write)

    def add_cases(self, queue: str | None, new: Sequence[NewCase], step: str) -> list[CaseId]:
        """Create cases and record their ids, in one transaction, so that a repeated attempt finds them."""
        added: list[CaseId] = []
        where: list[QueueId] = []

        def write(tx: Tx) -> bool:
            target = queues.resolve(tx, self._holder.team_id, queue).id if queue else self._holder.queue_id
            where[:] = [target]
            added[:] = cases.create_within(tx, target, new, run_id=self._fence.run_id, agent_id=self._holder.agent_id)
            return messages.record_step(tx, self._fence, step, json.dumps([str(id) for id in added]))

        self._write("new cases", write)
        self._perform(Effects(nudge=True, queues=frozenset(where)))
        return added

    def list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        wanted = CaseFilter(tuple(statuses), title_contains=title_contains)
        with self._db.snapshot() as tx:
            target = queues.resolve(tx, self._holder.team_id, queue).id if queue else self._holder.queue_id
            return listing.page(tx, target, wanted, limit=limit)[0]

    def _write(self, what: str, write: Callable[[Tx], bool]) -> None:
        """Write if the fence holds. Otherwise record the refusal, write nothing else, and raise RunLost."""
        try:
            with self._db.begin() as tx:
                if not write(tx):
                    raise RunLost
        except RunLost:
            with self._db.begin() as tx:
                runs.record_refusal(tx, self._fence, what)
            raise
