"""What people say to a request, and whether it fits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.core.json_schema import check_value
from casework.core.model import RequestKind
from casework.core.payload import MAX_REASON, check_data, check_text
from casework.core.requests.content import Action, Asks, Decision, decided, listed, one_of
from casework.core.unset import UNSET
from casework.errors import InvalidInput

MAX_ANSWER = 100_000
"""Characters of a value, or of edited arguments, as JSON."""

MAX_MESSAGE = 10_000

EXPIRED = "nobody answered in time"
"""The message of an answer that the system gave."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What people said to a request."""

    decision: Decision
    value: Any = None
    """The answer to a question or form; whether an approval was given."""
    arguments: Mapping[str, Any] | None = None
    """What is to be done with the action: the edited arguments, or its own. None if it is not to be done."""
    message: str | None = None
    by: str | None = None
    """Who answered; None for the system."""
    at: datetime | None = None

    @property
    def approved(self) -> bool:
        """Whether the action is to be done, with `arguments`."""
        return self.decision in (Decision.APPROVE, Decision.EDIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """What a person gives. Without a decision, a value responds, arguments edit, and True or False approves or rejects."""

    decision: Decision | None = None
    value: Any = UNSET
    arguments: Mapping[str, Any] | None = None
    message: str | None = None


def answer_to(asks: Asks, given: Answering) -> Answer:
    """The answer, if the request permits it, without who gave it and when. Raises InvalidInput."""
    decision = _decision(asks, given)
    if decision not in asks.decisions:
        raise InvalidInput(f"The {asks.kind} is answered with {listed(asks.decisions)}, not with {decision}.")
    if given.message is not None:
        check_text("message", given.message, most=MAX_MESSAGE)
    if given.arguments is not None and decision is not Decision.EDIT:
        raise InvalidInput("Arguments belong to the decision edit.")
    value = _value(asks, decision, given.value)
    arguments = None
    if decision is Decision.EDIT:
        arguments = _edited(asks.action, given.arguments)
    elif decision is Decision.APPROVE and asks.action:
        arguments = asks.action.arguments
    return Answer(decision, value, arguments, given.message)


def _decision(asks: Asks, given: Answering) -> Decision:
    if given.decision is not None:
        return one_of(Decision, "decision", given.decision)
    if given.arguments is not None:
        return Decision.EDIT
    if given.value is UNSET:
        raise InvalidInput(f"Give a decision: {listed(asks.decisions)}.")
    if asks.kind is RequestKind.APPROVAL and isinstance(given.value, bool):
        return Decision.APPROVE if given.value else Decision.REJECT
    return Decision.RESPOND


def _value(asks: Asks, decision: Decision, value: Any) -> Any:
    if decision is not Decision.RESPOND:
        verdict = {Decision.APPROVE: True, Decision.EDIT: True, Decision.REJECT: False}[decision]
        if value is not UNSET and value is not verdict:
            raise InvalidInput(f"A value belongs to the decision respond, not to {decision}.")
        return verdict if asks.kind is RequestKind.APPROVAL else None
    if value is UNSET:
        raise InvalidInput("The decision respond needs a value.")
    _check_size("answer", value)
    if asks.schema is not None:
        check_value("answer", value, asks.schema)
    elif not isinstance(value, str):
        raise InvalidInput(f"The answer must be text (got {value!r:.100}).")
    if asks.options and value not in asks.options:
        raise InvalidInput(f"The answer must be one of {', '.join(map(repr, asks.options))}.")
    return value


def _edited(action: Action | None, arguments: Any) -> Mapping[str, Any]:
    if not isinstance(arguments, Mapping):
        raise InvalidInput("The decision edit needs the arguments, as an object.")
    _check_size("arguments", arguments)
    if action is not None and action.schema is not None:
        check_value("arguments", arguments, action.schema)
    return arguments


def _check_size(what: str, value: Any) -> None:
    check_data(what, value)
    size = len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))
    if size > MAX_ANSWER:
        raise InvalidInput(f"The {what} has {size} characters; {MAX_ANSWER} is the most.")


def check_default(asks: Asks, default: Any) -> None:
    """Raise InvalidInput for what cannot be the answer of a request that expires."""
    if asks.kind is RequestKind.APPROVAL and not isinstance(default, bool):
        raise InvalidInput(f"The default of an approval is True or False (got {default!r:.100}).")
    answer_to(asks, Answering(value=default))


def default_answer(asks: Asks, default: Any) -> Answer:
    """The answer of a request that expired, if it has a default, which was checked when the request was made."""
    decision = decided(asks.kind, default)
    arguments = asks.action.arguments if asks.action and decision is Decision.APPROVE else None
    return Answer(decision, default, arguments, EXPIRED)


def no_answer() -> Answer:
    """The answer of a request that expired, if its run goes on without one."""
    return Answer(Decision.EXPIRED, message=EXPIRED)


def expiry_reason(asks: Asks) -> str:
    """Why a case is failed or postponed by a request that expired."""
    return f"{EXPIRED}: {asks.title}"[:MAX_REASON]
