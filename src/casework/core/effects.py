"""What a use case returns besides its result: the messages to send after the commit."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from casework.core.model import QueueId, RunId

T = TypeVar("T")


class RunMessage(NamedTuple):
    """A message for a worker: a run and its attempt. A named tuple, because a claim makes a hundred of them."""

    run_id: RunId
    attempt: int


Bundle = tuple[RunMessage, ...]
"""Runs that share one message and are executed one after the other."""


class Parcel(NamedTuple):
    """What one message to workers holds, and the group of workers that it is for; "" for those without a group."""

    runs: Bundle
    group: str = ""
    ahead: bool = False
    """Whether more of the agent's runs are claimed than slots are free."""


@dataclass(frozen=True, slots=True)
class News:
    """What a tick is to look at."""

    queues: frozenset[QueueId] = frozenset()
    around: bool = False
    """Whether to look at all queues before anything is claimed."""
    freed: bool = False
    """Whether slots came free: if nothing that the ticker knows of fills them, it looks around."""


ANYWHERE = News(around=True)


@dataclass(frozen=True, slots=True)
class Effects:
    """Messages to send after a commit. All of them may be lost, because rows hold the truth."""

    parcels: tuple[Parcel, ...] = ()
    stops: tuple[RunId, ...] = ()
    nudge: bool = False
    ready: int = 0
    """How many cases the nudge is about, if that is known. Whoever sends it may claim a few itself."""
    refill: float = 0.0
    """The slot seconds of ended runs of consumers without a limit. They need a tick once they are worth one."""
    queues: frozenset[QueueId] = frozenset()
    """The queues that a nudge or refill is about; if none are named, a tick looks around."""
    frees: bool = False
    """Whether slots came free, which may be what other queues wait for."""
    deltas: tuple[tuple[RunId, str], ...] = ()
    """Parts of texts, for whoever looks at a run now."""

    @property
    def runs(self) -> Bundle:
        """The runs of all parcels."""
        return tuple(message for parcel in self.parcels for message in parcel.runs)


def to_claim(queue: QueueId, ready: int) -> Effects:
    """What is to be done about cases of a queue that became ready."""
    return Effects(nudge=ready > 0, ready=ready, queues=frozenset({queue}))


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """The result of a use case, and its effects, which the caller performs."""

    value: T
    effects: Effects = Effects()
