"""What people answer in a test, by the rules of `service.requests` and `service.expiry`, which need a database."""

from typing import Any

from casework.core.model import RequestKind
from casework.core.requests import (
    Answer,
    Answered,
    Answering,
    Decision,
    OnExpiry,
    Placed,
    Request,
    answer_to,
    default_answer,
    no_answer,
)
from casework.errors import InvalidInput


def checked(request: Request, given: Any) -> Answer:
    """The answer, if the request can have it. Raises InvalidInput."""
    if given is Decision.EXPIRED:
        return _expired(request)
    if isinstance(given, Answering):
        return answer_to(request, given)
    if request.kind is RequestKind.APPROVAL and not isinstance(given, bool):
        raise InvalidInput(f"The approval {request.title!r} is answered with True or False (got {given!r:.100}).")
    if request.kind is RequestKind.QUESTION and request.schema is None and not isinstance(given, str):
        raise InvalidInput(f"The question {request.title!r} is answered with text (got {given!r:.100}).")
    return answer_to(request, Answering(value=given))


def _expired(request: Request) -> Answer:
    if request.expires is None:
        raise InvalidInput(f"The request {request.title!r} does not expire.")
    return default_answer(request, request.default) if request.on_expiry is OnExpiry.DEFAULT else no_answer()


def answered(placed: Placed, answer: Answer, following: int) -> Answered:
    """The request with its answer, for the next attempt. `following` is its place if the agent does not count places."""
    request = placed.request
    position = following if placed.position is None else placed.position
    return Answered.of(request, answer, key=request.key, position=None if request.key else position)
