"""What a checkpointer keeps in `run.state`: checkpoints, and the writes of tasks that belong to them.

A graph that runs on never needs most of what it stored before. So a record that nothing needs is not deleted but written
over: each lies in a numbered place, and its place becomes free. A transaction is saved, what is kept does not grow with the
number of steps, and a process that dies in between leaves nothing behind that could be taken for valid.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ormsgpack
from langgraph.checkpoint.base import writes_sort_key

from casework.errors import InvalidInput

PREFIX = "langgraph/record/"
"""The names of the places."""

NS_SEP = "|"
"""Between a graph's namespace and that of a graph in one of its tasks."""

NS_END = ":"
"""Between a node's name and the id of its task. A namespace without it belongs to no single task."""

Typed = tuple[str, bytes]
"""A value as the serializer gives it: the kind of its encoding, and the bytes."""


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """One checkpoint of a graph, or of a graph in a task of another."""

    ns: str
    id: str
    parent: str | None
    within: Mapping[str, str]
    """The checkpoints of the graphs around it, by namespace."""
    reach: int
    """How many checkpoints before this one are needed to rebuild its state. Only graphs with delta channels need any."""
    checkpoint: Typed
    channels: Mapping[str, Typed]
    metadata: Typed

    @property
    def key(self) -> tuple[str, str]:
        return (self.ns, self.id)


@dataclass(frozen=True, slots=True)
class WritesRecord:
    """What one task has written on top of a checkpoint."""

    ns: str
    id: str
    task_id: str
    path: str
    writes: Mapping[int, tuple[str, str, bytes]]
    """The channel and the value, by index. Those of LangGraph's own channels have a fixed, negative index."""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.ns, self.id, self.task_id)

    def merged(self, newer: "WritesRecord") -> "WritesRecord":
        """Both together. A write that has a place in the list stays as it was first written, as savers are to have it."""
        kept = {index: write for index, write in self.writes.items() if index >= 0}
        return WritesRecord(self.ns, self.id, self.task_id, newer.path, {**self.writes, **newer.writes, **kept})

    def in_order(self) -> Iterator[tuple[str, str, bytes]]:
        for index in sorted(self.writes, key=lambda index: writes_sort_key(self.path, self.task_id, index)):
            yield self.writes[index]


Record = CheckpointRecord | WritesRecord


@dataclass
class Records:
    """The records of one run, as one attempt knows them. Only the attempt that holds the case writes, so it knows all."""

    places: dict[str, Record] = field(default_factory=dict)
    """The live records, by the name of the place."""
    free: set[str] = field(default_factory=set)
    _made: int = 0
    """The number of the last place."""

    def read(self, stored: Iterable[tuple[str, bytes]]) -> None:
        """Take what an earlier attempt has left."""
        self.places = {name: _unpacked(name, value) for name, value in stored}
        self._made = max((int(name.removeprefix(PREFIX)) for name in self.places), default=0)
        self.free |= self._over()

    def put(self, record: Record) -> tuple[str, bytes, set[str]]:
        """Keep a record. Returns its place, what is to be saved there, and the places that are `free` once it is saved."""
        place = next((place for place, one in self.places.items() if one.key == record.key), None)
        if place is not None and isinstance(record, WritesRecord):
            held = self.places[place]
            assert isinstance(held, WritesRecord)
            record = held.merged(record)
        place = place or self._free_place()
        self.places[place] = record
        return place, _packed(record), self._over() if isinstance(record, CheckpointRecord) else set()

    def head(self, ns: str) -> CheckpointRecord | None:
        """The newest checkpoint of a namespace."""
        return max((one for one in self.checkpoints() if one.ns == ns), key=lambda one: one.id, default=None)

    def checkpoint(self, ns: str, id: str) -> CheckpointRecord | None:
        return next((one for one in self.checkpoints() if one.key == (ns, id)), None)

    def checkpoints(self) -> list[CheckpointRecord]:
        return [one for one in self.places.values() if isinstance(one, CheckpointRecord)]

    def writes(self, ns: str, id: str) -> list[WritesRecord]:
        """The writes on top of a checkpoint, in the order in which a live run applies them."""
        found = [one for one in self.all_writes() if (one.ns, one.id) == (ns, id)]
        return sorted(found, key=lambda one: (one.path, one.task_id))

    def all_writes(self) -> list[WritesRecord]:
        return [one for one in self.places.values() if isinstance(one, WritesRecord)]

    def _free_place(self) -> str:
        if self.free:
            return self.free.pop()
        self._made += 1
        return f"{PREFIX}{self._made:06d}"

    def _over(self) -> set[str]:
        """Forget the records that nothing needs. Returns their places."""
        live = _live({one.key: one for one in self.checkpoints()})
        heads = {ns: id for ns, id in sorted(live)}
        over = {
            place for place, one in self.places.items() if (one.ns, one.id) not in live and not _is_ahead(one, heads)
        }
        for place in over:
            del self.places[place]
        return over


def _is_ahead(record: Record, heads: Mapping[str, str]) -> bool:
    """Whether these are writes on top of a checkpoint that is still to come."""
    return isinstance(record, WritesRecord) and record.id > heads.get(record.ns, "")


def _live(checkpoints: Mapping[tuple[str, str], CheckpointRecord]) -> set[tuple[str, str]]:
    """The newest checkpoint of each namespace, and those before it that it is rebuilt from.

    A graph in a task is over when the graph around it has gone on.
    """
    heads: dict[str, CheckpointRecord] = {}
    for one in checkpoints.values():
        if one.ns not in heads or heads[one.ns].id < one.id:
            heads[one.ns] = one
    live: set[tuple[str, str]] = set()
    for head in heads.values():
        around = [(heads[ns].id, id) for ns, id in head.within.items() if ns in heads]
        if NS_END not in head.ns or all(newest == id for newest, id in around):
            live.update(_chain(checkpoints, head))
    return live


def _chain(
    checkpoints: Mapping[tuple[str, str], CheckpointRecord], head: CheckpointRecord
) -> Iterator[tuple[str, str]]:
    found: CheckpointRecord | None = head
    for _ in range(head.reach + 1):
        if found is None:
            return
        yield found.key
        found = checkpoints.get((found.ns, found.parent or ""))


def _packed(record: Record) -> bytes:
    fields: dict[str, Any] = {name: getattr(record, name) for name in type(record).__slots__}
    if isinstance(record, WritesRecord):
        fields["writes"] = [(index, *write) for index, write in record.writes.items()]
    return ormsgpack.packb({"kind": type(record).__name__, **fields})


def _unpacked(name: str, value: bytes) -> Record:
    fields = ormsgpack.unpackb(value)
    kind = fields.pop("kind", None)
    if kind == WritesRecord.__name__:
        writes = {index: (channel, encoding, data) for index, channel, encoding, data in fields.pop("writes")}
        return WritesRecord(**fields, writes=writes)
    if kind == CheckpointRecord.__name__:
        return CheckpointRecord(**fields)
    raise InvalidInput(f"The state {name!r} of the run is {kind!r}, which this version of casework cannot read.")
