"""The checkpointer of a run: what its graph has done lies with the run, where only the attempt that holds the case writes."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import ERROR, RESUME
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.pregel._task_status import CONTROL_WRITES

from casework.agents.stop import Interrupted, Suspended
from casework.errors import InvalidInput, RunLost
from casework.integrations.awaiting import settled
from casework.integrations.langgraph.questions import Answers, Interrupts
from casework.integrations.langgraph.records import PREFIX, CheckpointRecord, Records, WritesRecord
from casework.integrations.langgraph.serializing import Serializer
from casework.integrations.langgraph.tasks import (
    OF_INPUT,
    Act,
    Finished,
    Names,
    Watcher,
    has_finished,
    have_finished,
)


class State(Protocol):
    """`run.state`, or that of an async pull agent."""

    def load(self, name: str) -> Any: ...
    def save(self, name: str, value: bytes) -> Any: ...
    def names(self, prefix: str = "") -> Any: ...


@dataclass(frozen=True, slots=True)
class Freeing:
    """Places whose records nothing needs, once what comes before this is committed: another thread may write there then."""

    places: set[str]

    def __call__(self) -> None:
        """Nothing is to be done with the run."""


class Checkpointer(BaseCheckpointSaver[int]):
    """Keeps the checkpoints of one run's graph in `run.state`: `thread_id` is the run's id.

    Every write raises RunLost if the attempt no longer holds the case. Values that would not be restored are refused with
    InvalidInput. What the graph no longer needs is written over, so history before the last step is not kept.
    """

    def __init__(
        self,
        state: State,
        thread_id: str,
        *,
        serializer: Serializer | None = None,
        watcher: Watcher | None = None,
        together: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`serializer` knows the types of the graph's state; by default, those that LangGraph itself restores. What is
        stored for a task, and what the `watcher` does with the run then, is written within a `together()`."""
        self._serializer = serializer or Serializer(())
        super().__init__(serde=self._serializer.serde)
        self._state, self._thread_id = state, thread_id
        self._watcher, self._together = watcher, together
        self._records, self._lock, self._is_read = Records(), threading.Lock(), False
        self._names = Names(self._records, self._serializer)
        self._unsaved: list[Act] = []
        self._saving = asyncio.Lock()
        self._broken: BaseException | None = None
        self.interrupts: Interrupts | None = None
        """What looks up the answers of tasks that start again."""

    def read(self) -> None:
        """Read what earlier attempts have left, once."""
        if not self._is_read:
            names = _now(self._state.names(PREFIX))
            self._take([(name, _now(self._state.load(name))) for name in names])

    async def aread(self) -> None:
        if not self._is_read:
            names = await settled(self._state.names(PREFIX))
            self._take([(name, await settled(self._state.load(name))) for name in names])

    def _take(self, stored: Sequence[tuple[str, bytes | None]]) -> None:
        self._records.read((name, value) for name, value in stored if value is not None)
        self._is_read = True

    def finished_tasks(self) -> Iterator[Finished]:
        """The tasks of the present step that have finished."""
        for one in self._records.all_writes():
            if has_finished(one) and one.path != OF_INPUT:
                writes = [
                    (channel, self._serializer.loads((encoding, data))) for channel, encoding, data in one.in_order()
                ]
                yield Finished(one.task_id, self._names.name(one), writes)

    def place_of(self, task_id: str) -> str:
        """What sorts tasks as the graph has made them."""
        return next((one.path for one in self._records.all_writes() if one.task_id == task_id), "")

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        self.read()
        return self._tuple(config)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        await self.aread()
        return self._tuple(config)

    def _tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        conf = config["configurable"]
        if conf["thread_id"] != self._thread_id:
            return None
        ns, id = conf.get("checkpoint_ns", ""), get_checkpoint_id(config)
        with self._lock:
            record = self._records.checkpoint(ns, id) if id else self._records.head(ns)
            return None if record is None else self._restored(record)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        self.read()
        yield from self._listed(config, filter, before, limit)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        await self.aread()
        for one in self._listed(config, filter, before, limit):
            yield one

    def _listed(
        self,
        config: RunnableConfig | None,
        filter: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> Sequence[CheckpointTuple]:
        conf = config["configurable"] if config else {"thread_id": self._thread_id}
        if conf["thread_id"] != self._thread_id:
            return []
        ns, id = conf.get("checkpoint_ns"), get_checkpoint_id(config) if config else None
        end = get_checkpoint_id(before) if before else None
        with self._lock:
            found = [
                self._restored(one)
                for one in sorted(self._records.checkpoints(), key=lambda one: one.id, reverse=True)
                if ns in (None, one.ns) and id in (None, one.id) and (end is None or one.id < end)
            ]
        wanted = (filter or {}).items()
        return [one for one in found if all(one.metadata.get(name) == value for name, value in wanted)][:limit]

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - a record holds all channels
    ) -> RunnableConfig:
        self.read()
        self._save_now(self._put(config, checkpoint, metadata))
        return self._config(config["configurable"].get("checkpoint_ns", ""), checkpoint["id"])

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - a record holds all channels
    ) -> RunnableConfig:
        await self.aread()
        self._unsaved += self._checked(self._put(config, checkpoint, metadata))
        await self._save()
        return self._config(config["configurable"].get("checkpoint_ns", ""), checkpoint["id"])

    def _put(self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> Iterable[Act]:
        conf = config["configurable"]
        rest = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        counters = metadata.get("counters_since_delta_snapshot") or {}
        record = CheckpointRecord(
            ns=conf.get("checkpoint_ns", ""),
            id=checkpoint["id"],
            parent=conf.get("checkpoint_id"),
            within=dict(metadata.get("parents") or {}),
            reach=max((steps for _, steps in counters.values()), default=0),
            checkpoint=self._serializer.dumps("The checkpoint", rest),
            channels={
                name: self._serializer.dumps(f"The state {name!r} of the graph", value)
                for name, value in checkpoint["channel_values"].items()
            },
            metadata=self._serializer.dumps("The metadata", get_checkpoint_metadata(config, metadata)),
        )
        yield from self._kept(record)
        if self._watcher:
            self._watcher.stepped(record.ns, metadata["step"])

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        self.read()
        self._save_now(self._put_writes(config, writes, task_id, task_path))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self.aread()
        self._unsaved += self._checked(self._put_writes(config, writes, task_id, task_path))
        try:
            # The checkpoint that the last task of a step leads to comes now, and is saved with what the task wrote.
            await asyncio.sleep(0)
        finally:
            await self._save()

    def _put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, path: str
    ) -> Iterable[Act]:
        for channel, value in writes:
            if channel == ERROR and isinstance(value, RunLost | Suspended | Interrupted):
                # A node's error handler is called for any error, but not before this is stored.
                raise value
        conf = config["configurable"]
        record = WritesRecord(
            ns=conf.get("checkpoint_ns", ""),
            id=conf["checkpoint_id"],
            task_id=task_id,
            path=path,
            writes={
                WRITES_IDX_MAP.get(channel, index): (channel, *self._serializer.dumps(_of(channel), value))
                for index, (channel, value) in enumerate(writes)
                if channel != RESUME
            },
        )
        then: list[Act] = []
        if self._watcher and path != OF_INPUT:
            then += self._watcher.ran(task_id)
            if have_finished(channel for channel, _ in writes):
                then += self._watcher.finished(Finished(task_id, self._names.name(record), writes))
        yield from self._kept(record)
        yield from then

    def _kept(self, record: CheckpointRecord | WritesRecord) -> Iterable[Act]:
        with self._lock:
            place, value, over = self._records.put(record)
        yield lambda: self._state.save(place, value)
        yield Freeing(over)

    def _checked(self, acts: Iterable[Act]) -> Sequence[Act]:
        with self._breaking():
            return list(acts)

    def _save_now(self, acts: Iterable[Act]) -> None:
        with self._breaking():
            done = list(acts)
            with self._together():
                for act in done:
                    _now(act())
        self._free(done)

    async def _save(self) -> None:
        # One after the other: over HTTP, what is saved last could come first.
        async with self._saving:
            unsaved, self._unsaved = self._unsaved, []
            with self._breaking(), self._together():
                for act in unsaved:
                    await settled(act())
        self._free(unsaved)

    def _free(self, done: Iterable[Act]) -> None:
        with self._lock:
            for act in done:
                if isinstance(act, Freeing):
                    self._records.free |= act.places

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """Within this block, a failure is final: whatever the graph makes of it, nothing is stored from then on."""
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except BaseException as error:
            self._broken = error
            raise

    def _restored(self, record: CheckpointRecord) -> CheckpointTuple:
        loads = self._serializer.loads
        checkpoint: Any = {
            **loads(record.checkpoint),
            "channel_values": {name: loads(value) for name, value in record.channels.items()},
        }
        found = self._records.writes(record.ns, record.id)
        pending = [
            (one.task_id, channel, loads((encoding, data)))
            for one in found
            for channel, encoding, data in one.in_order()
        ]
        if self.interrupts is not None:
            waiting = (one.task_id for one in found if not has_finished(one))
            pending += [(task_id, RESUME, Answers(self.interrupts)) for task_id in waiting]
        parent = None if record.parent is None else self._config(record.ns, record.parent)
        return CheckpointTuple(self._config(record.ns, record.id), checkpoint, loads(record.metadata), parent, pending)

    def _config(self, ns: str, id: str) -> RunnableConfig:
        return {"configurable": {"thread_id": self._thread_id, "checkpoint_ns": ns, "checkpoint_id": id}}


def _now(value: Any) -> Any:
    if isinstance(value, Awaitable):
        if inspect.iscoroutine(value):
            value.close()
        raise InvalidInput(
            "A graph that a plain function calls cannot be stored by an async pull agent: "
            "make the function async, and use `ainvoke`."
        )
    return value


def _of(channel: str) -> str:
    return "The value of an interrupt" if channel in CONTROL_WRITES else f"The state {channel!r} of the graph"
