"""What a use case returns besides its result: the messages to send after the commit."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from casework.core.model import RunId

T = TypeVar("T")


class RunMessage(NamedTuple):
    """A message for a worker: a run and its attempt. A named tuple, because a claim makes a hundred of them."""

    run_id: RunId
    attempt: int


Bundle = tuple[RunMessage, ...]
"""Runs that share one message and are executed one after the other."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Messages to send after a commit. All of them may be lost, because rows hold the truth."""

    bundles: tuple[Bundle, ...] = ()
    stops: tuple[RunId, ...] = ()
    nudge: bool = False
    refill: int = 0
    """The number of ended runs of consumers without a limit that still have runs to start. They need a tick only now
    and then."""
    deltas: tuple[tuple[RunId, str], ...] = ()
    """Parts of texts, for whoever looks at a run now."""

    @property
    def runs(self) -> Bundle:
        """The runs of all bundles."""
        return tuple(message for bundle in self.bundles for message in bundle)


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """The result of a use case, and its effects, which the caller performs."""

    value: T
    effects: Effects = Effects()
