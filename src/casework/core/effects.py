"""What a use case returns besides its result: what has to be sent to others after the commit."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from casework.core.model import RunId

T = TypeVar("T")


class RunMessage(NamedTuple):
    """What is sent to a worker: which run, and which attempt of it. A tuple, because a claim makes a hundred of them."""

    run_id: RunId
    attempt: int


Bundle = tuple[RunMessage, ...]
"""Runs that share one message of the broker, and are executed one after the other."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What has to be told to others after a commit. All of it may be lost: rows hold the truth."""

    bundles: tuple[Bundle, ...] = ()
    stops: tuple[RunId, ...] = ()
    nudge: bool = False
    refill: int = 0
    """So many runs of consumers without a limit are over, which have not used up what they have: a tick now and then will do."""

    @property
    def runs(self) -> Bundle:
        """The runs that are sent, whatever they share."""
        return tuple(message for bundle in self.bundles for message in bundle)


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """The result of a use case, and its effects, which the face performs."""

    value: T
    effects: Effects = Effects()
