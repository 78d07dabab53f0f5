import sys
from typing import Annotated, Any

import typer

from casework.cli import completion, services
from casework.cli.case_inputs import read_json
from casework.cli.console import (
    Json,
    counted,
    find_id,
    find_queue,
    installation,
    print_json,
    say,
    shorten,
    table,
)
from casework.cli.forms import ask_arguments, ask_value, read_value
from casework.cli.person import act_as, user
from casework.cli.request_text import describe, rows_of
from casework.core import fields
from casework.core.model import QueueId, RequestKind
from casework.core.requests import Answering, Decision, HumanRequest
from casework.errors import AlreadyAnswered, Forbidden, InvalidInput
from casework.printable import printable

app = typer.Typer(help="Requests: what runs ask people.", no_args_is_help=True)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="Id of a request, or its last 8 characters.")]
Message = Annotated[str | None, typer.Option("--message", "-m", help="What you say besides; the agent reads it.")]
Person = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who you are, for the history; your login name by default."),
]
ME = "me"


def as_object(request: HumanRequest) -> dict[str, Any]:
    """A request for JSON, with `kind` and `answer`, which are other names of `type` and `response`."""
    return {**fields.of_request(request), "kind": request.kind, "answer": request.answer}


@app.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.", autocompletion=completion.queues)] = None,
    kind: Annotated[RequestKind | None, typer.Option(help="Only of this kind.")] = None,
    assignee: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those that are assigned to NAME; me: to you.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Answered and cancelled ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List the requests that wait for a person, the oldest first."""
    casework = installation()
    queue_id = find_queue(queue).id if queue else None
    name = user() if assignee == ME else assignee
    found = services.requests.find(
        casework.db,
        casework.team_id,
        open_only=not all_,
        queue_id=queue_id,
        kind=kind,
        assignees=[name or ""] if assignee else None,
        limit=limit,
    )
    if as_json:
        print_json([as_object(request) for request in found])
        return
    short = shorten(one.id for one in found)
    rows = (
        (
            short[one.id],
            one.kind,
            one.status,
            one.created_at,
            one.case_title,
            one.title,
            ", ".join(one.options) or None,
            ", ".join(one.assignees) or None,
            one.expires_at,
        )
        for one in found
    )
    table(
        ("id", "kind", "status", "since", "case title", "asks", "options", "for", "expires"),
        rows,
        empty="Nothing waits for an answer.",
        yields=("expires", "for", "status", "since", "options", "kind"),
    )


@app.command()
def show(request: RequestId, as_json: Json = False) -> None:
    """Show a request in full."""
    casework = installation()
    found = services.requests.get(casework.db, casework.team_id, find_id("request", request))
    if as_json:
        print_json(as_object(found))
    else:
        table(("field", "value"), [row for row in rows_of(found) if row[1] is not None])


@app.command()
def answer(
    request: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Id of a request. Without it you are asked one after the other."),
    ] = None,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The answer.")] = None,
    value: Annotated[
        str | None, typer.Option(metavar="JSON", help="The answer as JSON; - reads it from standard input.")
    ] = None,
    message: Message = None,
    queue: Annotated[
        str | None, typer.Option(help="Without an id: only of this queue.", autocompletion=completion.queues)
    ] = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Answer a question or fill in a form; its run continues. A form is asked field by field. Without an id: go through all
    open requests, including approvals."""
    act_as(person)
    if request is None:
        answer_each(find_queue(queue).id if queue else None, as_json)
        return
    if text is not None and value is not None:
        raise InvalidInput("Give the text of the answer or --value, not both.")
    asked = _find(request)
    if value is not None:
        given = read_json("--value", value)
    elif text is not None:
        given = text if asked.schema is None else read_value(text, asked.schema)
    elif asked.schema is not None and sys.stdin.isatty():
        describe(asked)
        given = ask_value(asked.schema)
    else:
        raise InvalidInput("Give the answer's text after the id, or --value, or no id to be asked one after the other.")
    _show(give(asked, Answering(value=given, message=message)), as_json, "Answered")


@app.command()
def approve(request: RequestId, message: Message = None, person: Person = None, as_json: Json = False) -> None:
    """Approve; its run continues."""
    act_as(person)
    done = give(_find(request), Answering(decision=Decision.APPROVE, message=message))
    word = "Approved" if done.status == "answered" else f"Approved ({len(done.approved_by)} of {done.approvals_needed})"
    _show(done, as_json, word)


@app.command()
def deny(request: RequestId, message: Message = None, person: Person = None, as_json: Json = False) -> None:
    """Deny; its run continues and learns of it."""
    act_as(person)
    _show(give(_find(request), Answering(decision=Decision.REJECT, message=message)), as_json, "Denied")


@app.command()
def edit(
    request: RequestId,
    arguments: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="All arguments as JSON; - reads them from standard input."),
    ] = None,
    message: Message = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Approve an action with other arguments; its run continues. Without --arguments you are asked for each of them."""
    act_as(person)
    asked = _find(request)
    if arguments is not None:
        given = read_json("--arguments", arguments)
    elif asked.action is None:
        raise InvalidInput("The request has no action whose arguments could be edited.")
    elif sys.stdin.isatty():
        describe(asked)
        given = ask_arguments(asked.action.arguments, asked.action.schema)
    else:
        raise InvalidInput("Give the arguments with --arguments: there is no terminal to ask for them.")
    answering = Answering(decision=Decision.EDIT, arguments=given, message=message)
    _show(give(asked, answering), as_json, "Approved with other arguments")


def _find(request: str) -> HumanRequest:
    casework = installation()
    return services.requests.get(casework.db, casework.team_id, find_id("request", request))


def give(request: HumanRequest, answering: Answering) -> HumanRequest:
    """Answer a request, as the user of this command."""
    casework = installation()
    db = casework.db.acting_for(person=user())
    return casework.perform(services.requests.answer(db, casework.team_id, request.id, answering))


def answer_each(queue_id: QueueId | None, as_json: bool) -> None:
    """Ask for one answer after the other, the oldest request first, until all were asked or the input ends."""
    casework = installation()
    waiting = services.requests.find(casework.db, casework.team_id, queue_id=queue_id, limit=1000)
    answered: list[HumanRequest] = []
    try:
        for number, request in enumerate(waiting, 1):
            describe(request, f"{number} of {len(waiting)}")
            if done := _ask(request):
                answered.append(done)
    except typer.Abort:
        typer.echo("", err=True)
    if as_json:
        print_json([as_object(request) for request in answered])
    elif waiting:
        say(f"Answered {len(answered)} of {counted(len(waiting), 'request')}.")
    else:
        say("Nothing waits for an answer.")


def _ask(request: HumanRequest) -> HumanRequest | None:
    """The request with its answer; None if the person skips it, or somebody else answered first. Raises typer.Abort."""
    while given := _prompt(request):
        try:
            return give(request, read_answer(request, given))
        except InvalidInput as error:
            typer.echo(printable(str(error)), err=True)
        except (AlreadyAnswered, Forbidden) as error:
            typer.echo(printable(str(error)), err=True)
            return None
    return None


def _prompt(request: HumanRequest) -> str:
    if request.kind is RequestKind.APPROVAL:
        words = "yes, no, or nothing to skip it"
    elif request.schema is not None:
        words = "fill to fill it in, or nothing to skip it"
    else:
        words = "Answer, or nothing to skip it"
    return str(typer.prompt(words, default="", show_default=False, err=True)).strip()


def read_answer(request: HumanRequest, given: str) -> Answering:
    """What somebody typed, as an answer to the request. Raises InvalidInput, and typer.Abort."""
    if request.kind is RequestKind.APPROVAL:
        if given.lower() not in ("y", "yes", "n", "no"):
            raise InvalidInput(f"{given!r} is neither yes nor no.")
        return Answering(decision=Decision.APPROVE if given.lower() in ("y", "yes") else Decision.REJECT)
    if request.schema is not None:
        value = ask_value(request.schema) if given.lower() == "fill" else read_value(given, request.schema)
        return Answering(value=value)
    if given.isdecimal() and given not in request.options and 0 < int(given) <= len(request.options):
        given = request.options[int(given) - 1]
    return Answering(value=given)


def _show(request: HumanRequest, as_json: bool, word: str) -> None:
    if as_json:
        print_json(as_object(request))
    else:
        say(f"{word}: {printable(request.title)}")
