"""What a request asks: its kind, its words, the action that is to be approved, and what may be decided."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from casework.core.model import RequestKind
from casework.errors import InvalidInput


class Decision(StrEnum):
    """What was decided. EXPIRED is only ever given by the system."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    EXPIRED = "expired"


class OnExpiry(StrEnum):
    """What happens if nobody answers in time: the case fails, it is postponed, the default is the answer, or the run
    goes on with the decision EXPIRED."""

    FAIL = "fail"
    POSTPONE = "postpone"
    DEFAULT = "default"
    CONTINUE = "continue"


ALLOWED_DECISIONS: Mapping[RequestKind, tuple[Decision, ...]] = {
    RequestKind.QUESTION: (Decision.RESPOND, Decision.REJECT),
    RequestKind.FORM: (Decision.RESPOND, Decision.REJECT),
    RequestKind.APPROVAL: (Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND),
}

DEFAULT_DECISIONS: Mapping[RequestKind, tuple[Decision, ...]] = {
    RequestKind.QUESTION: (Decision.RESPOND,),
    RequestKind.FORM: (Decision.RESPOND,),
    RequestKind.APPROVAL: (Decision.APPROVE, Decision.REJECT),
}


def decided(kind: RequestKind, answer: Any) -> Decision:
    """The decision that a value alone stands for."""
    if kind is RequestKind.APPROVAL:
        return Decision.APPROVE if answer else Decision.REJECT
    return Decision.RESPOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What an agent would do, and people decide on. `schema` is the JSON Schema (2020-12) of the arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None


class Asks(Protocol):
    """What a request asks, whether it is stored or not."""

    @property
    def kind(self) -> RequestKind: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def options(self) -> Sequence[str]: ...
    @property
    def action(self) -> Action | None: ...
    @property
    def schema(self) -> Mapping[str, Any] | None: ...
    @property
    def decisions(self) -> Sequence[Decision]: ...


def content_of(asks: Asks) -> str:
    """What people read before they answer. An answer belongs to this, and to nothing else."""
    action = asks.action
    content = {
        "kind": asks.kind,
        "title": asks.title,
        "description": asks.description,
        "options": [*asks.options],
        "action": None if action is None else [action.name, action.arguments, action.schema],
        "schema": asks.schema,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


Choice = TypeVar("Choice", bound=StrEnum)


def one_of(kinds: type[Choice], what: str, given: Any) -> Choice:
    if given not in list(kinds):
        raise InvalidInput(f"The {what} {given!r:.100} does not exist; known: {', '.join(kinds)}.")
    return kinds(given)


def listed(values: Sequence[str]) -> str:
    return " or ".join(values)
