"""Runs an agent at the terminal, without servers."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.agents import HandOver, Postpone, targets
from casework.cli.case_inputs import read_data, read_labels
from casework.cli.console import Json, print_json, say
from casework.cli.story import message_text
from casework.core.lifecycle import CaseStatus
from casework.core.model import Message, Priority, RequestKind
from casework.printable import printable

if TYPE_CHECKING:
    from casework.testing import FailedAttempt, Request, Result


def try_(
    target: Annotated[
        str,
        typer.Argument(metavar="MODULE:FUNCTION", help="A function marked with @casework.agent, from this folder on."),
    ],
    title: Annotated[str, typer.Option(help="The case's title.")] = "a case",
    data: Annotated[str | None, typer.Option(help="The case's data as JSON; - reads it from standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="The case's data as plain text.")] = None,
    priority: Annotated[Priority, typer.Option(help="The case's priority.")] = Priority.NONE,
    label: Annotated[list[str] | None, typer.Option(help="A label: value, or key=value. Repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Run an agent on a made-up case, at this terminal: it asks here, and nothing is stored. Exits with 1 if the case fails."""
    from casework.testing import run_agent

    # As `python -m` does: whoever types this may run any module.
    sys.path.insert(0, str(Path.cwd()))
    result = run_agent(
        targets.load(target, [target.partition(":")[0]]),
        title=title,
        data=read_data(data, text),
        priority=priority,
        labels=read_labels(label),
        answers=lambda request: _ask(request, as_json),
        listen=_ignore if as_json else _tell,
        sleep=time.sleep,
    )
    if as_json:
        print_json(_as_object(result))
    else:
        _tell_end(result)
    if result.status is CaseStatus.FAILED:
        raise typer.Exit(1)


def _ignore(event: object) -> None:
    pass


def _tell(event: "Message | FailedAttempt") -> None:
    if isinstance(event, Message):
        say(message_text(event))
    else:
        say(f"The attempt failed: {event.reason}. The next one comes in {event.wait:g} s.")


def _ask(request: "Request", aside: bool) -> str | bool:
    """The answer of whoever sits at the terminal; with `aside`, standard output is left alone."""
    if request.description:
        typer.echo(printable(request.description, lines=True), err=aside)
    title = printable(request.title)
    if request.kind is RequestKind.APPROVAL:
        return typer.confirm(title, err=aside)
    choice = f" ({', '.join(map(printable, request.options))})" if request.options else ""
    while True:
        answer = str(typer.prompt(f"{title}{choice}", err=aside))
        if not request.options or answer in request.options:
            return answer


def _tell_end(result: "Result") -> None:
    for case in result.cases:
        say(f"Added to {case.queue}: {case.title}")
    if result.error and result.status is CaseStatus.FAILED:
        say(result.error.rstrip())
    match result.outcome:
        case HandOver(to):
            state = f"handed over to {to}"
        case Postpone(until):
            state = f"postponed ({until})"
        case _:
            state = str(result.status)
    say(f"{state}{f': {result.reason}' if result.reason else ''}")


def _as_object(result: "Result") -> dict[str, Any]:
    return {
        "status": result.status,
        "outcome": type(result.outcome).__name__ if result.outcome else None,
        **{
            name: getattr(result, name)
            for name in ("reason", "error", "case", "messages", "requests", "cases", "steps", "attempts")
        },
    }
