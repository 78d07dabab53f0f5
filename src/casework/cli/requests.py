"""`casework requests`."""

from typing import Annotated, Any

import typer

from casework.cli import services
from casework.cli.console import Json, find_id, find_queue, installation, print_json, say, table
from casework.core.model import HumanRequest

app = typer.Typer(help="What runs asked people.", no_args_is_help=True)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="Id of a request.")]


def _as_object(request: HumanRequest) -> dict[str, Any]:
    fields = (
        "id",
        "case_id",
        "run_id",
        "kind",
        "status",
        "title",
        "description",
        "options",
        "answer",
        "created_at",
        "responded_at",
    )
    return {name: getattr(request, name) for name in fields}


@app.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Answered and cancelled ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List the requests that wait for a person, the oldest first."""
    casework = installation()
    queue_id = find_queue(queue).id if queue else None
    found = services.requests.find(casework.db, casework.team_id, open_only=not all_, queue_id=queue_id, limit=limit)
    if as_json:
        print_json([_as_object(request) for request in found])
        return
    rows = (
        (one.id, one.kind, one.status, one.created_at, one.case_title, one.title, ", ".join(one.options) or None)
        for one in found
    )
    table(("id", "kind", "status", "when", "case", "asks", "options"), rows, empty="Nothing waits for an answer.")


@app.command()
def answer(request: RequestId, text: str, as_json: Json = False) -> None:
    """Answer a question; its run goes on."""
    casework = installation()
    answered = casework.perform(
        services.requests.answer(casework.db, casework.team_id, find_id("request", request), text)
    )
    _show(answered, as_json, "Answered")


@app.command()
def approve(request: RequestId, as_json: Json = False) -> None:
    """Approve; its run goes on."""
    _decide(request, True, as_json)


@app.command()
def deny(request: RequestId, as_json: Json = False) -> None:
    """Deny; its run goes on, and knows."""
    _decide(request, False, as_json)


def _decide(request: str, approved: bool, as_json: bool) -> None:
    casework = installation()
    decided = casework.perform(
        services.requests.decide(casework.db, casework.team_id, find_id("request", request), approved)
    )
    _show(decided, as_json, "Approved" if approved else "Denied")


def _show(request: HumanRequest, as_json: bool, word: str) -> None:
    if as_json:
        print_json(_as_object(request))
    else:
        say(f"{word}: {request.title}")
