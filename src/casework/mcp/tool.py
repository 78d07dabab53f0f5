"""A tool is a function: its parameters are the arguments, its return type is the output schema, its docstring the description."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mcp_types as types
from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator

from casework.core.names import unknown_field
from casework.core.payload import check_data
from casework.core.roles import Right
from casework.core.unset import UNSET
from casework.errors import Forbidden, InvalidInput
from casework.mcp.caller import Caller
from casework.mcp.schemas import schema
from casework.wording import problem


class Arguments(BaseModel):
    """Arguments of a tool. One that does not exist is an error that names the nearest one."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: Any) -> Any:
        if isinstance(given, dict) and (wrong := unknown_field(given, list(cls.model_fields), "argument")):
            raise ValueError(wrong)
        return given


@dataclass(frozen=True, slots=True)
class Hints:
    """What a client may know of a tool before it calls it."""

    reads: bool = False
    destroys: bool = False
    """It overwrites something, or interrupts somebody's work."""
    idempotent: bool = False
    open_world: bool = False
    """Agents work because of it, and reach whatever they reach."""


@dataclass(frozen=True)
class Tool:
    """A tool, and the rights that its caller needs."""

    name: str
    description: str
    rights: frozenset[Right]
    arguments: type[Arguments]
    result: type[BaseModel]
    act: Callable[..., Any]
    hints: Hints

    @property
    def is_async(self) -> bool:
        """It takes a `Call`, and may wait or ask; the others take a `Caller`, and run in a thread."""
        return inspect.iscoroutinefunction(self.act)

    def permits(self, caller: Caller) -> bool:
        return self.rights <= caller.rights

    def check(self, caller: Caller) -> None:
        """Raise Forbidden if the caller lacks a right."""
        lacking = sorted(self.rights - caller.rights)
        if lacking:
            raise Forbidden(f"The tool {self.name} is not for this key of role {caller.role}: it may not {lacking[0]}.")

    def parse(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """The arguments that were given, by their names. Raises InvalidInput, with the place and what is wrong there."""
        check_data("call", given or {}, depth=-3)
        try:
            parsed = self.arguments.model_validate(given or {})
        except ValidationError as error:
            first, count = error.errors()[0], error.error_count()
            place = ".".join(map(str, first["loc"]))
            more = f" (and {count - 1} more)" if count > 1 else ""
            raise InvalidInput(f"{place}: {problem(first)}{more}" if place else problem(first)) from None
        return {name: getattr(parsed, name) for name in parsed.model_fields_set}

    @cached_property
    def listed(self) -> types.Tool:
        """The tool as clients see it."""
        return types.Tool(
            name=self.name,
            title=self.name.replace("_", " ").capitalize(),
            description=self.description,
            input_schema=schema(self.arguments),
            output_schema=schema(self.result),
            annotations=types.ToolAnnotations(
                read_only_hint=self.hints.reads,
                destructive_hint=self.hints.destroys,
                idempotent_hint=self.hints.idempotent or self.hints.reads,
                open_world_hint=self.hints.open_world,
            ),
        )


_DEFAULTS: dict[Any, Any] = {inspect.Parameter.empty: ..., UNSET: None}
"""What stands in the schema for defaults that are not values of JSON."""


def tool(*rights: Right, **hints: bool) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function; the function's first parameter is who calls."""

    def make(act: Callable[..., Any]) -> Tool:
        described = typing.get_type_hints(act, include_extras=True)
        parameters = list(inspect.signature(act).parameters.values())[1:]
        fields: dict[str, Any] = {
            one.name: (described[one.name], _DEFAULTS.get(one.default, one.default)) for one in parameters
        }
        return Tool(
            act.__name__,
            " ".join((act.__doc__ or "").split()),
            frozenset(rights),
            create_model(act.__name__, __base__=Arguments, **fields),
            described["return"],
            act,
            Hints(**hints),
        )

    return make
