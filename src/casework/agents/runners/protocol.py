"""What a command and its run say to each other, as JSON: the case at the start, and then a line for each thing that the
command does. `casework guide commands-as-agents` describes it.

Every kind of line is a model with the fields that it may have. `act` does with the run what the line says.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from casework.agents.outcomes import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.run import Run
from casework.core import fields
from casework.core.duration import parse_span
from casework.core.model import RequestKind
from casework.core.names import check_fields
from casework.core.payload import check_data, storable
from casework.core.requests import MAX_KEY, Request, request_of
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.wording import problem


class Said(BaseModel, ABC):
    """A line of a command's output."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    is_message: ClassVar[bool] = False

    @abstractmethod
    def act(self, run: Run) -> Outcome | None:
        """Do it. Returns an outcome if the line is one. Raises what `run` raises."""


class Say(Said):
    is_message = True
    say: str

    def act(self, run: Run) -> None:
        run.say(self.say)


class Tool(Said):
    is_message = True
    tool: str
    arguments: Any = None
    result: Any = UNSET
    error: str | None = None

    def act(self, run: Run) -> None:
        run.tool(self.tool, self.arguments, result=self.result, error=self.error)


class Ask(Said):
    ask: str
    options: list[str] = []
    description: str | None = None
    key: str | None = None

    def act(self, run: Run) -> None:
        request = Request(title=self.ask, options=self.options, description=self.description)
        run.request(_by_its_words(request, self.key))


class Approve(Said):
    approve: str
    description: str | None = None
    key: str | None = None

    def act(self, run: Run) -> None:
        request = Request(kind=RequestKind.APPROVAL, title=self.approve, description=self.description)
        run.request(_by_its_words(request, self.key))


class Requested(Said):
    request: dict[str, Any]

    def act(self, run: Run) -> None:
        run.request_all(_requests([self.request]))


class RequestedTogether(Said):
    requests: list[dict[str, Any]]

    def act(self, run: Run) -> None:
        run.request_all(_requests(self.requests))


# A command has the answers before it asks, and may leave out what was answered: the place of a question says nothing.


def _requests(given: Sequence[Mapping[str, Any]]) -> list[Request]:
    """The requests, each known by its key or by all that it asks."""
    return [replace(one, key=one.key or _digest(one.content)) for one in map(request_of, given)]


def _by_its_words(request: Request, key: str | None) -> Request:
    """The request, known by its key or by its kind and title."""
    words = f"{request.kind} {request.title}"
    return replace(request, key=key or (words if len(words) <= MAX_KEY else _digest(words)))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Step(Said):
    step: str
    result: Any = None

    def act(self, run: Run) -> None:
        run.step(self.step, lambda: self.result)


class Change(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    title: str | None = None
    data: Any = UNSET
    priority: str | None = None
    labels: list[dict[str, str]] | None = None


class Update(Said):
    update: Change

    @field_validator("update", mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        check_fields(given if isinstance(given, dict) else (), tuple(Change.model_fields))
        return given

    def act(self, run: Run) -> None:
        change = self.update
        run.update(title=change.title, data=change.data, priority=change.priority, labels=change.labels)


class AddCases(Said):
    add_cases: list[dict[str, Any]]
    queue: str | None = None

    def act(self, run: Run) -> None:
        run.add_cases(self.add_cases, self.queue)


class Completed(Said):
    outcome: Literal["complete"]
    reason: str | None = None

    def act(self, _: Run) -> Outcome:
        return Complete(self.reason)


class Failed(Said):
    outcome: Literal["fail"]
    reason: str

    def act(self, _: Run) -> Outcome:
        return Fail(self.reason)


class Postponed(Said):
    outcome: Literal["postpone"]
    until: str | None = None
    span: Annotated[str | None, Field(alias="for")] = None
    reason: str | None = None

    def act(self, _: Run) -> Outcome:
        if self.until is not None and self.span is None:
            return Postpone(self.until, self.reason)
        if self.span is not None and self.until is None:
            return Postpone(parse_span(self.span), self.reason)
        raise InvalidInput('Postpone needs one of "for", as "2h", and "until", a moment with its time zone.')


class HandedOver(Said):
    outcome: Literal["hand_over"]
    to: str
    reason: str | None = None

    def act(self, _: Run) -> Outcome:
        return HandOver(self.to, self.reason)


LINES: Mapping[str, type[Said]] = {
    "say": Say,
    "tool": Tool,
    "ask": Ask,
    "approve": Approve,
    "request": Requested,
    "requests": RequestedTogether,
    "step": Step,
    "update": Update,
    "add_cases": AddCases,
}
"""The kinds of lines besides outcomes, by the field that makes them one."""

OUTCOMES: Mapping[str, type[Said]] = {
    "complete": Completed,
    "fail": Failed,
    "postpone": Postponed,
    "hand_over": HandedOver,
}

_KINDS = (*LINES, "outcome")


def parse(line: str) -> Said:
    """What a line says. One that is no JSON object is a message. Raises InvalidInput for an object that says nothing."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        given = None
        if _begins_like_an_object(line):
            raise InvalidInput("It begins like a JSON object, and is not JSON.") from None
    if not isinstance(given, dict):
        return Say(say=storable(line))
    check_data("line", given)
    model = _model(given)
    check_fields(given, [field.alias or name for name, field in model.model_fields.items()])
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{'.'.join(map(str, first['loc']))}: {problem(first)}") from None


def _begins_like_an_object(line: str) -> bool:
    """No message does. An object that is not JSON, as by a quote too many, must not pass for one."""
    begins = line.lstrip()
    return begins.startswith("{") and begins[1:].lstrip().startswith('"')


def _model(given: Mapping[str, Any]) -> type[Said]:
    kinds = [kind for kind in _KINDS if kind in given]
    if not kinds:
        check_fields(given, _KINDS)
    if len(kinds) != 1:
        raise InvalidInput(f"A JSON object must have exactly one of {', '.join(_KINDS)}.")
    if kinds == ["outcome"]:
        outcome = given["outcome"]
        if outcome not in tuple(OUTCOMES):
            raise InvalidInput(f"There is no outcome {outcome!r}: known are {', '.join(OUTCOMES)}.")
        return OUTCOMES[outcome]
    return LINES[kinds[0]]


def case_of(run: Run) -> str:
    """What the command is given: the case, and what earlier attempts have recorded."""
    case = run.case
    given = {
        "id": str(case.id),
        "queue_id": str(case.queue_id),
        "title": case.title,
        "data": case.data,
        "priority": case.priority,
        "labels": [{"value": label.value, "key": label.key} for label in case.labels],
        "created_at": case.created_at.isoformat(),
        "run_id": str(run.id),
        "attempt": run.attempt,
        "agent": run.agent_name,
        "answers": run.history.answers,
        "requests": [fields.of_answered(one) for one in run.history.answered],
        "steps": {name: step.value for name, step in run.history.steps.items()},
    }
    return json.dumps(given, ensure_ascii=False, default=_as_text) + "\n"


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
