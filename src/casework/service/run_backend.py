"""Writes of a run while it works, in a worker or elsewhere. Each is a transaction, fenced by the attempt that holds the case."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from casework.core.effects import Effects, to_claim
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseFilter, CaseId, LabelRef, NewCase, Priority, QueueId
from casework.core.usage import Usage
from casework.errors import RunLost
from casework.service import cases, queues
from casework.service.changes import change
from casework.service.holding import Holder
from casework.store import kept, listing, messages, runs
from casework.store.connection import Asked
from casework.store.database import Database, Tx

Perform = Callable[[Effects], None]
T = TypeVar("T")

Write = tuple[str, Asked]
"""What a write is, for people, and its statement, which returns 0 if the fence refuses it."""

_gathered: ContextVar[tuple[object, list[Write]] | None] = ContextVar("casework_gathered", default=None)
"""The backend whose writes a block gathers, and those that it has gathered."""


class RunBackend:
    """The backend of one attempt's `Run`."""

    def __init__(self, db: Database, holder: Holder, perform: Perform) -> None:
        self._db = db
        self._holder = holder
        self._fence = holder.fence
        self._perform = perform

    def say(self, type: str, content: Any, key: str) -> None:
        self._send(f"a message ({type})", messages.say_statement(self._fence, type, content, key))

    def record_step(self, name: str, value: str, awaited: bool = False) -> None:
        self._send(f"step {name!r}", messages.step_statement(self._fence, name, value, awaited))

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
        self._perform(to_claim(where[0], len(added)))
        return added

    def list_cases(
        self, queue: str | None, statuses: Sequence[CaseStatus], title_contains: str | None, limit: int
    ) -> list[Case]:
        wanted = CaseFilter(tuple(statuses), title_contains=title_contains)
        with self._db.snapshot() as tx:
            target = queues.resolve(tx, self._holder.team_id, queue).id if queue else self._holder.queue_id
            return listing.page(tx, target, wanted, limit=limit)[0]

    def load_state(self, name: str) -> bytes | None:
        return self._read(f"reading state {name!r}", lambda tx: kept.load(tx, self._fence, name))[0]

    def save_state(self, name: str, value: bytes) -> None:
        self._send(f"state {name!r}", kept.save_statement(self._fence, name, value))

    def state_names(self, prefix: str) -> list[str]:
        return self._read("reading states", lambda tx: kept.names(tx, self._fence, prefix))[0]

    def delete_state(self, name: str) -> None:
        self._send(f"state {name!r}", kept.delete_statement(self._fence, name))

    def add_usage(self, usage: Usage, key: str) -> None:
        self._send("usage", kept.usage_statement(self._fence, usage, key))

    def stream(self, text: str) -> None:
        self._perform(Effects(deltas=((self._fence.run_id, text),)))

    @contextmanager
    def together(self) -> Iterator[None]:
        writes: list[Write] = []
        token = _gathered.set((self, writes))
        try:
            yield
        finally:
            _gathered.reset(token)
            # Also if an error leaves the block, a stop for example: what was finished before it is kept.
            if writes:
                self._send_all(writes)

    def _send(self, what: str, asked: Asked) -> None:
        """Send a write of one statement, now or with the others of its block."""
        backend, writes = _gathered.get() or (None, [])
        if backend is self:
            writes.append((what, asked))
        else:
            self._send_all([(what, asked)])

    def _send_all(self, writes: Sequence[Write]) -> None:
        with self._db.single() as tx:
            held = all(rows.scalar_one() for rows in tx.together(*(asked for _, asked in writes)))
        if not held:
            self._refuse(writes[0][0])

    def _refuse(self, what: str) -> NoReturn:
        with self._db.begin() as tx:
            runs.record_refusal(tx, self._fence, what)
        raise RunLost

    def _read(self, what: str, read: Callable[[Tx], tuple[T] | None]) -> tuple[T]:
        """Read what only the attempt that holds the case may know: another one may be changing it."""
        found: list[tuple[T]] = []

        def write(tx: Tx) -> bool:
            found.extend(one for one in [read(tx)] if one is not None)
            return bool(found)

        self._write(what, write)
        return found[0]

    def _write(self, what: str, write: Callable[[Tx], bool]) -> None:
        """Write if the fence holds. Otherwise record the refusal, write nothing else, and raise RunLost."""
        try:
            with self._db.begin() as tx:
                if not write(tx):
                    raise RunLost
        except RunLost:
            self._refuse(what)
