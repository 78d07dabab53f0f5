"""What a run asks of people."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from casework.agents.matching import Changed, Matching
from casework.agents.stop import Suspended
from casework.core.model import RequestKind
from casework.core.requests import MAX_GROUP, Answer, Answered, Request
from casework.errors import InvalidInput


class Asking(ABC):
    """The part of a run that asks. Each call returns the answer that is on record, or suspends the run."""

    def __init__(self, answered: Iterable[Answered]) -> None:
        self._answered = answered

    @cached_property
    def _matching(self) -> Matching:
        """Made when the run asks, because most runs never do."""
        return Matching(self._answered)

    @abstractmethod
    def check(self) -> None:
        """Stop here if the run was asked to stop."""

    @abstractmethod
    def _record(self, type: str, content: Any) -> str:
        """Keep a message, once."""

    def ask(
        self, question: str, *, options: Sequence[str] = (), description: str | None = None, key: str | None = None
    ) -> str:
        """Ask a person. The run gives its slot back and, once answered, starts again and gets the answer here.

        With `options`, the answer is one of them. Each call is a question of its own, known by its place and its words. If
        the words may differ when the run starts again, give it a `key`.
        """
        asked = Request(title=question, options=options, description=description, key=key)
        return cast(str, self.request(asked).value)

    def approve(self, title: str, description: str | None = None, *, key: str | None = None) -> bool:
        """Ask a person for approval; True if it was given."""
        return self.request(Request(kind=RequestKind.APPROVAL, title=title, description=description, key=key)).approved

    def form(
        self,
        title: str,
        schema: Mapping[str, Any],
        *,
        description: str | None = None,
        assignees: Sequence[str] = (),
        key: str | None = None,
    ) -> Any:
        """Ask a person for a value that fits the JSON Schema (2020-12): an object whose properties are fields, say."""
        asked = Request(
            kind=RequestKind.FORM, title=title, schema=schema, description=description, assignees=assignees, key=key
        )
        return self.request(asked).value

    def request(self, request: Request) -> Answer:
        """Make a request to people, and return what they answered. See `casework.Request`."""
        return self.request_all([request])[0]

    def request_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Make several requests in one wait: the run goes on when all of them are answered. Returns the answers in their order.

        Raises InvalidInput for more than 50, and for two that have one key.
        """
        self.check()
        if isinstance(requests, Request) or not all(isinstance(one, Request) for one in requests):
            raise InvalidInput("request_all takes a list of casework.Request.")
        if len(requests) > MAX_GROUP:
            raise InvalidInput(f"There are {len(requests)} requests in one wait; {MAX_GROUP} is the most.")
        found = [self._matching.match(one) for one in requests]
        for _, answer in found:
            if isinstance(answer, Changed):
                self._record("notice", {"text": str(answer)})
        if missing := [placed for placed, answer in found if not isinstance(answer, Answer)]:
            raise Suspended(*missing)
        return [answer for _, answer in found if isinstance(answer, Answer)]
