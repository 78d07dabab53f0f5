"""Finds the answers that a run has been given.

A run that goes on starts from its top and makes its requests again. A request with a key is found by its key. Those without
are found in their order, each only if it asks what was asked: an answer never goes to another question. What is not asked
again, because the run knows by now, is passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from casework.core.requests import Answer, Answered, Placed, Request
from casework.errors import InvalidInput

SHOWN_OF_TITLE = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """The run has an answer here that is not one to this request."""

    old: str
    new: str

    def __str__(self) -> str:
        old, new = (text[:SHOWN_OF_TITLE] for text in (self.old, self.new))
        if old == new:
            return f"The request {new!r} has changed, or has another place, since it was answered: it is made again."
        return f"The run asks {new!r}, where it asked {old!r} before. The answer to that is not used here; it is asked again."


class Matching:
    """The answers of one run, and how far the requests of one attempt have come in them."""

    def __init__(self, answered: Iterable[Answered]) -> None:
        self._by_key: dict[str, Answered] = {}
        self._in_order: list[tuple[int, Answered]] = []
        for one in answered:
            if one.key is not None:
                self._by_key[one.key] = one
            elif one.position is not None:
                self._in_order.append((one.position, one))
        # Of several at one place, the newest first: what was asked there last.
        self._in_order = sorted(reversed(self._in_order), key=lambda placed: placed[0])
        self._place = 0
        self._given: list[Answered] = []
        self._made: dict[str, str] = {}

    def match(self, request: Request) -> tuple[Placed, Answer | Changed | None]:
        """The request with its place, and its answer; None if nobody has answered, Changed if the answer there is to another
        question. Raises InvalidInput if another request of this attempt has its key."""
        if request.key is None:
            return self._match_in_order(request)
        if self._made.setdefault(request.key, request.content) != request.content:
            raise InvalidInput(f"Two requests have the key {request.key!r}: an answer can only go to one of them.")
        kept = self._by_key.get(request.key)
        return Placed(request), kept.answer if kept else None

    def _match_in_order(self, request: Request) -> tuple[Placed, Answer | Changed | None]:
        content = request.content
        for place, one in self._in_order:
            if place >= self._place and one.content == content:
                self._place = place + 1
                self._given.append(one)
                return Placed(request, place), one.answer
        placed = Placed(request, self._place)
        self._place += 1
        return placed, self._changed(placed)

    def _changed(self, placed: Placed) -> Changed | None:
        """What was answered at this place, or to this question at an earlier one that was passed over."""
        content, title = placed.request.content, placed.request.title
        for place, one in self._in_order:
            is_left = not any(one is given for given in self._given)
            if place == placed.position or (is_left and one.content == content):
                return Changed(one.title, title)
        return None
