"""What the two kinds of runs have in common for an adapter: in a worker a call returns its value, over HTTP it is awaited."""

from collections.abc import Awaitable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")


async def settled(value: T | Awaitable[T]) -> T:
    """The value, awaited if it has to be."""
    if isawaitable(value):
        awaited: T = await value
        return awaited
    return value
