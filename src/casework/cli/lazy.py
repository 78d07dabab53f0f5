"""Imports a command when it is called: until then its name and its line of help are enough."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from casework.errors import InvalidInput
from casework.wording import plain_words


@dataclass(frozen=True, slots=True)
class Listed:
    """A command, or a group of commands: where it is, and the first sentence of its help."""

    place: str
    """`module:attribute`: a function, or a group's `typer.Typer`."""
    help: str
    commands: Mapping[str, str] = field(default_factory=dict)
    """Names and help of a group's commands."""
    acts: bool = False
    """The group itself is a command too; so it is imported when it is called, and not just one of its commands."""


def load(name: str, listed: Listed) -> Any:
    """Import a listed command or group."""
    module, _, attribute = listed.place.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(name)(found)
        found = single
    command: Any = typer.main.get_command(found)
    for each in (command, *getattr(command, "commands", {}).values()):
        each.get_params = partial(_parameters, each.get_params)
    return command


def is_completing() -> bool:
    """Whether a shell asks for completions: then nobody reads logs, and somebody waits."""
    return "_CASEWORK_COMPLETE" in os.environ


def _parameters(get: Callable[[Any], list[Any]], ctx: Any) -> list[Any]:
    """A command's parameters. Completing leaves their values as they are typed: to convert them, Typer imports pydantic, which
    takes longer than everything else."""
    found = get(ctx)
    if is_completing():
        for parameter in found:
            parameter.process_value = _as_typed
    return found


def _as_typed(_: Any, value: Any) -> Any:
    return value


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _parameters(super().get_params, ctx)


class _ListedGroup(_Group):
    """A listed group: its help needs no import, each of its commands does."""

    def __init__(self, name: str, listed: Listed) -> None:
        commands: dict[str, Any] = {name: TyperCommand(name, help=text) for name, text in listed.commands.items()}
        super().__init__(name=name, help=listed.help, commands=commands, no_args_is_help=True)
        self._listed = listed

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(str(self.name), self._listed).get_command(ctx, name) if command else None, rest


class LazyGroup(_Group):
    """The root command. Imports each listed command when it is called."""

    listed: Mapping[str, Listed]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, listed in self.listed.items():
            self.commands[name] = (
                _ListedGroup(name, listed)
                if listed.commands and not listed.acts
                else TyperCommand(name, help=listed.help)
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None or isinstance(command, _ListedGroup):
            return name, command, rest
        return name, load(name, self.listed[name]), rest

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run, and exit. Raises InvalidInput for a command line that cannot be understood."""
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except typer.Abort:
            sys.exit(1)
        except Exception as error:
            # Depending on its version, Typer raises click's exceptions or its own copies of them.
            if not hasattr(error, "format_message"):
                raise
            if type(error).__name__ == "NoArgsIsHelpError":
                usage: Any = error
                usage.show()
                sys.exit(2)
            raise InvalidInput(_sentence(error)) from None
        sys.exit(code or 0)


def _sentence(error: Any) -> str:
    """A usage error in one line, with where to find help."""
    start, separator, rest = str(error.format_message()).partition(": ")
    sentence = f"{start}{separator}{plain_words(rest)}".rstrip()
    sentence += "" if sentence.endswith((".", "?")) else "."
    context = getattr(error, "ctx", None)
    return f"{sentence} See {context.command_path} --help" if context else sentence
