"""The tasks of a graph: when one has finished, what it is called, and who is told of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from langgraph._internal._constants import ERROR, PULL, PUSH, TASKS
from langgraph.constants import START
from langgraph.pregel._algo import task_path_str
from langgraph.pregel._task_status import CONTROL_WRITES

from casework.integrations.langgraph.records import NS_END, NS_SEP, CheckpointRecord, Records, WritesRecord
from casework.integrations.langgraph.serializing import Serializer

OF_INPUT = task_path_str((PULL, START))
"""The path of the task that only hands on a graph's input."""

Act = Callable[[], Any]
"""Something to do with the run. An async pull agent's run gives something to await."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that has finished."""

    id: str
    name: str
    """Its node, after the nodes around its graph."""
    writes: Sequence[tuple[str, Any]]
    """What it wrote, by channel."""


class Watcher(Protocol):
    """Is told what a graph does."""

    def ran(self, task_id: str) -> Iterable[Act]:
        """A task has run, whether it has finished or not. Returns what to do once what it wrote is stored."""

    def finished(self, task: Finished) -> Iterable[Act]:
        """A task has finished, and nothing of it is stored yet. Returns what to do once it is."""

    def stepped(self, ns: str, step: int) -> None:
        """A step of the graph in that namespace is stored."""


class Names:
    """What tasks are called: the same whenever the graph does the same."""

    def __init__(self, records: Records, serializer: Serializer) -> None:
        self._records, self._serializer = records, serializer

    def name(self, record: WritesRecord) -> str:
        """The step and the node of a task, after those around its graph."""
        segments = [segment.partition(NS_END)[0] for segment in record.ns.split(NS_SEP) if segment]
        here = self._records.checkpoint(record.ns, record.id)
        around = sorted(here.within.items(), key=lambda one: len(one[0])) if here else []
        steps = [self._step(self._records.checkpoint(ns, id)) for ns, id in [*around, (record.ns, record.id)]]
        nodes = _joined(segments)
        return "/".join(f"{step} {node}" for step, node in zip(steps, [*nodes, self._node(record, here)], strict=False))

    def _step(self, checkpoint: CheckpointRecord | None) -> int:
        return 0 if checkpoint is None else int(self._serializer.loads(checkpoint.metadata)["step"]) + 1

    def _node(self, record: WritesRecord, checkpoint: CheckpointRecord | None) -> str:
        """The node of a task: its path names it, or the number of what was sent to it."""
        kind, first, *_ = [*record.path.removeprefix("~").split(", "), ""]
        if kind == PULL:
            return first
        if not (kind == PUSH and first.isdigit() and checkpoint and TASKS in checkpoint.channels):
            return f"task {record.task_id[:8]}"
        return f"{self._serializer.loads(checkpoint.channels[TASKS])[int(first)].node} {int(first) + 1}"


def _joined(segments: Sequence[str]) -> Iterator[str]:
    """The nodes of a namespace, each with the number of the graph that it has called, if that is not its first."""
    for number, segment in enumerate(segments):
        if not segment.isdigit():
            following = segments[number + 1 : number + 2]
            yield f"{segment} graph {int(following[0]) + 1}" if following and following[0].isdigit() else segment


def have_finished(channels: Iterable[str]) -> bool:
    """Whether a task that wrote this has finished."""
    written = set(channels)
    return ERROR not in written and bool(written - CONTROL_WRITES)


def has_finished(record: WritesRecord) -> bool:
    """Whether the task has finished: it has written something else than questions, answers and errors."""
    return any(channel not in CONTROL_WRITES for channel, _, _ in record.writes.values())
