"""Letting a process die at a named point between two steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from casework.service import crash_points
from casework.service.crash_points import Point


class Died(BaseException):
    """The process is no more: nothing of it goes on."""


@contextmanager
def dying_at(point: Point) -> Iterator[list[Any]]:
    """Die at the first time that the point is reached in the block, and go on behind it.

    The list is empty until then; it holds the point and whatever the process had in hand.
    """
    last: list[Any] = []

    def hook(reached: Point, *in_hand: Any) -> None:
        if reached is point:
            last.extend((reached, *in_hand))
            raise Died

    crash_points.watch(hook)
    try:
        yield last
    except Died:
        pass
    finally:
        crash_points.forget(hook)
