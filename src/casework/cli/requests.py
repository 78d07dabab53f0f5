from typing import Annotated, Any
from uuid import UUID

import typer

from casework.cli import completion, services
from casework.cli.console import Json, counted, find_id, find_queue, installation, print_json, say, shorten, table, user
from casework.core import fields
from casework.core.model import QueueId, RequestKind
from casework.core.requests import HumanRequest
from casework.errors import AlreadyAnswered, InvalidInput
from casework.printable import printable

app = typer.Typer(help="Requests: what runs ask people.", no_args_is_help=True)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="Id of a request, or its last 8 characters.")]


def as_object(request: HumanRequest) -> dict[str, Any]:
    """A request for JSON, with `kind` and `answer`, which are other names of `type` and `response`."""
    return {**fields.of_request(request), "kind": request.kind, "answer": request.answer}


@app.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.", autocompletion=completion.queues)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Answered and cancelled ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List the requests that wait for a person, the oldest first."""
    casework = installation()
    queue_id = find_queue(queue).id if queue else None
    found = services.requests.find(casework.db, casework.team_id, open_only=not all_, queue_id=queue_id, limit=limit)
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
        )
        for one in found
    )
    table(
        ("id", "kind", "status", "since", "case title", "asks", "options"),
        rows,
        empty="Nothing waits for an answer.",
        yields=("status", "since", "options", "kind"),
    )


@app.command()
def show(request: RequestId, as_json: Json = False) -> None:
    """Show a request in full."""
    casework = installation()
    found = services.requests.get(casework.db, casework.team_id, find_id("request", request))
    if as_json:
        print_json(as_object(found))
        return
    short, case = shorten([found.id])[found.id], shorten([found.case_id])[found.case_id]
    rows: list[tuple[str, Any]] = [
        ("id", short),
        ("case", f"{case} {found.case_title}"),
        ("kind", found.kind),
        ("status", found.status),
        ("asks", found.title),
        ("description", found.description),
        ("options", ", ".join(found.options) or None),
        ("answer", answer_text(found)),
        ("since", found.created_at),
        ("answered", found.responded_at),
        ("by", found.responded_by),
    ]
    table(("field", "value"), [row for row in rows if row[1] is not None])


def answer_text(request: HumanRequest) -> str | None:
    """What a person answered."""
    if isinstance(request.answer, bool):
        return "approved" if request.answer else "denied"
    return None if request.answer is None else str(request.answer)


@app.command()
def answer(
    request: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Id of a request. Without it you are asked one after the other."),
    ] = None,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The answer.")] = None,
    queue: Annotated[
        str | None, typer.Option(help="Without an id: only of this queue.", autocompletion=completion.queues)
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a question; its run continues. Without an id: go through all open requests, including approvals."""
    if request is None:
        answer_each(find_queue(queue).id if queue else None, as_json)
        return
    if text is None:
        raise InvalidInput("Give the answer's text after the id, or no id to be asked one after the other.")
    casework = installation()
    answered = casework.perform(
        services.requests.answer(casework.db, casework.team_id, find_id("request", request), text, by=user())
    )
    _show(answered, as_json, "Answered")


@app.command()
def approve(request: RequestId, as_json: Json = False) -> None:
    """Approve; its run continues."""
    _show(decide(find_id("request", request), True), as_json, "Approved")


@app.command()
def deny(request: RequestId, as_json: Json = False) -> None:
    """Deny; its run continues and learns of it."""
    _show(decide(find_id("request", request), False), as_json, "Denied")


def decide(request_id: UUID, approved: bool) -> HumanRequest:
    """Approve or deny."""
    casework = installation()
    return casework.perform(services.requests.decide(casework.db, casework.team_id, request_id, approved, by=user()))


def answer_each(queue_id: QueueId | None, as_json: bool) -> None:
    """Ask for one answer after the other, the oldest request first, until all were asked or the input ends."""
    casework = installation()
    waiting = services.requests.find(casework.db, casework.team_id, queue_id=queue_id, limit=1000)
    answered: list[HumanRequest] = []
    try:
        for number, request in enumerate(waiting, 1):
            _describe(request, f"{number} of {len(waiting)}")
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


def _describe(request: HumanRequest, place: str) -> None:
    lines = [f"({place}) {printable(request.case_title)}", f"  {printable(request.title)}"]
    if request.description:
        lines.append(f"  {printable(request.description, lines=True)}")
    lines += [f"  {number}) {printable(option)}" for number, option in enumerate(request.options, 1)]
    typer.echo("\n".join(lines), err=True)


def _ask(request: HumanRequest) -> HumanRequest | None:
    """The request with its answer; None if the person skips it, or somebody else answered first. Raises typer.Abort."""
    approval = request.kind is RequestKind.APPROVAL
    words = "yes, no, or nothing to skip it" if approval else "Answer, or nothing to skip it"
    while given := typer.prompt(words, default="", show_default=False, err=True).strip():
        try:
            return _respond(request, given)
        except InvalidInput as error:
            typer.echo(printable(str(error)), err=True)
        except AlreadyAnswered as error:
            typer.echo(printable(str(error)), err=True)
            return None
    return None


def _respond(request: HumanRequest, given: str) -> HumanRequest:
    casework = installation()
    if request.kind is RequestKind.APPROVAL:
        if given.lower() not in ("y", "yes", "n", "no"):
            raise InvalidInput(f"{given!r} is neither yes nor no.")
        return decide(request.id, given.lower() in ("y", "yes"))
    if given.isdecimal() and given not in request.options and 0 < int(given) <= len(request.options):
        given = request.options[int(given) - 1]
    return casework.perform(services.requests.answer(casework.db, casework.team_id, request.id, given, by=user()))


def _show(request: HumanRequest, as_json: bool, word: str) -> None:
    if as_json:
        print_json(as_object(request))
    else:
        say(f"{word}: {printable(request.title)}")
