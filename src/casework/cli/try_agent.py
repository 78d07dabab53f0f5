"""Runs an agent at the terminal, without servers."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.agents import HandOver, Postpone, targets
from casework.cli.case_inputs import read_data, read_labels
from casework.cli.console import Json, print_json, say
from casework.cli.forms import ask_arguments, ask_value
from casework.cli.story import message_text
from casework.core.lifecycle import CaseStatus
from casework.core.model import Message, Priority, RequestKind
from casework.core.requests import Answering, Decision
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


def _ask(request: "Request", aside: bool) -> Any:
    """The answer of whoever sits at the terminal; with `aside`, standard output is left alone."""
    if request.description:
        typer.echo(printable(request.description, lines=True), err=aside)
    title = printable(request.title)
    if request.action:
        arguments = json.dumps(request.action.arguments, ensure_ascii=False)
        typer.echo(printable(f"{request.action.name} {arguments}"), err=aside)
    if request.kind is RequestKind.APPROVAL:
        return _decide(request, title, aside)
    if request.schema is not None:
        typer.echo(title, err=aside)
        return ask_value(request.schema, aside=aside)
    choice = f" ({', '.join(map(printable, request.options))})" if request.options else ""
    while True:
        answer = str(typer.prompt(f"{title}{choice}", err=aside))
        if not request.options or answer in request.options:
            return answer


def _decide(request: "Request", title: str, aside: bool) -> Any:
    """Yes or no, or one of the decisions if there are more than these."""
    if not {Decision.EDIT, Decision.RESPOND} & set(request.decisions):
        return typer.confirm(title, err=aside)
    while (said := typer.prompt(f"{title} ({', '.join(request.decisions)})", err=aside)) not in request.decisions:
        pass
    decision = Decision(said)
    if decision is Decision.EDIT and request.action:
        edited = ask_arguments(request.action.arguments, request.action.schema)
        return Answering(decision=decision, arguments=edited)
    if decision is Decision.RESPOND:
        return Answering(decision=decision, value=typer.prompt("Answer", err=aside))
    return Answering(decision=decision)


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
