"""Finds the answers that a run has been given.

A run that goes on starts from its top and makes its requests again. A request with a key is found by its key. One without
is found by its place among them, and only if it asks what was asked there: an answer never goes to another question.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from casework.core.requests import Answer, Answered, Placed, Request
from casework.errors import InvalidInput

SHOWN_OF_TITLE = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """Another question was answered at this place."""

    old: str
    new: str

    def __str__(self) -> str:
        old, new = (text[:SHOWN_OF_TITLE] for text in (self.old, self.new))
        if old == new:
            return f"The request {new!r} has changed since it was answered, so it is made again."
        return f"The run asks {new!r}, where it asked {old!r} before. The answer to that is not used here; it is asked again."


class Matching:
    """The answers of one run, and the requests that one attempt has made so far."""

    def __init__(self, answered: Iterable[Answered]) -> None:
        self._by_key: dict[str, Answered] = {}
        self._by_place: dict[int, list[Answered]] = {}
        for one in answered:
            if one.key is not None:
                self._by_key[one.key] = one
            elif one.position is not None:
                self._by_place.setdefault(one.position, []).append(one)
        self._places = 0
        self._made: dict[str, str] = {}

    def place(self, request: Request) -> Placed:
        """Give the request its place. Raises InvalidInput if another request of this attempt has its key."""
        if request.key is None:
            self._places += 1
            return Placed(request, self._places - 1)
        if self._made.setdefault(request.key, request.content) != request.content:
            raise InvalidInput(f"Two requests have the key {request.key!r}: an answer can only go to one of them.")
        return Placed(request)

    def find(self, placed: Placed) -> Answer | Changed | None:
        """The answer; None if nobody has answered; Changed if what was answered there is another question."""
        request = placed.request
        if request.key is not None:
            kept = self._by_key.get(request.key)
            return kept.answer if kept else None
        there = self._by_place.get(-1 if placed.position is None else placed.position, [])
        same = [one for one in there if one.content == request.content]
        if same:
            return same[-1].answer
        return Changed(there[-1].title, request.title) if there else None
