from typing import Annotated, Any

import typer

from casework.cli import completion, services
from casework.cli.console import Json, find_id, find_queue, installation, plain, print_json, say, shorten, table
from casework.cli.story import MOST_STEPS, message_text, step_result
from casework.core import fields
from casework.core.lifecycle import RunStatus
from casework.core.model import CaseId, RunId
from casework.core.statuses import read_statuses
from casework.core.usage import Usage
from casework.printable import printable

app = typer.Typer(help="Runs: agents' work on cases.", no_args_is_help=True)

LISTEN_SECONDS = 0.5
"""How long nothing must come until the run is looked at."""

_WRITES = (RunStatus.PENDING, RunStatus.RUNNING)

RunRef = Annotated[str, typer.Argument(metavar="ID", help="Id of a run, or its last 8 characters.")]


@app.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.", autocompletion=completion.queues)] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case.")] = None,
    status: Annotated[str, typer.Option(help="Only with these statuses, comma-separated.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List runs, the newest first."""
    casework = installation()
    found = services.runs.find(
        casework.db,
        casework.team_id,
        queue_id=find_queue(queue).id if queue else None,
        case_id=CaseId(find_id("case", case)) if case else None,
        statuses=read_statuses(RunStatus, status, "--status"),
        limit=limit,
        offset=offset,
    )
    if as_json:
        print_json(found)
        return
    short, cases = shorten(run.id for run in found), shorten(run.case_id for run in found)
    rows = (
        (
            short[run.id],
            cases[run.case_id],
            run.agent_name,
            run.status,
            run.attempt,
            run.created_at,
            run.outcome,
            run.reason,
        )
        for run in found
    )
    table(
        ("run", "case", "agent", "status", "attempt", "created", "outcome", "reason"),
        rows,
        empty="There are no runs.",
        yields=("attempt", "outcome", "created"),
    )


@app.command()
def show(run: RunRef, as_json: Json = False) -> None:
    """Show a run, with its steps and the traceback of its last error."""
    casework = installation()
    found = services.runs.get(casework.db, casework.team_id, find_id("run", run))
    steps = services.runs.list_steps(casework.db, casework.team_id, found.id, limit=MOST_STEPS)
    if as_json:
        print_json({**plain(found), "steps": steps})
        return
    rows = [(name, getattr(found, name)) for name in found.__dataclass_fields__ if name not in ("error", "usage")]
    rows += [(name, used) for name, used in _usage(found.usage).items() if used]
    table(("field", "value"), rows)
    if steps:
        say("")
        table(("step", "done", "result"), ((one.name, one.created_at, step_result(one)) for one in steps))
    if found.error:
        say(found.error)


def _usage(usage: Usage) -> dict[str, Any]:
    counts = {name: getattr(usage, name) for name in ("input_tokens", "output_tokens", "requests", "cost")}
    return {**counts, "models": ", ".join(usage.models)}


@app.command()
def messages(
    run: RunRef,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Show what a run said and called, the oldest first."""
    casework = installation()
    found = services.runs.list_messages(casework.db, casework.team_id, find_id("run", run), limit=limit, offset=offset)
    if as_json:
        print_json([{**fields.of_message(one), **plain(one)} for one in found])
    else:
        table(
            ("when", "type", "content"),
            ((one.created_at, one.type, message_text(one)) for one in found),
            empty="The run has no messages.",
        )


@app.command()
def listen(run: RunRef) -> None:
    """Print what a run's model writes while it writes it, until the run ends or waits.

    Only agents that stream have something to hear."""
    from casework.broker.deltas import Deltas

    casework = installation()
    run_id = RunId(find_id("run", run))
    services.runs.get(casework.db, casework.team_id, run_id)
    with Deltas(casework.publisher.url, casework.publisher.names, run_id) as deltas:
        while True:
            if text := deltas.next(LISTEN_SECONDS):
                typer.echo(printable(text, lines=True), nl=False)
            elif services.runs.get(casework.db, casework.team_id, run_id).status not in _WRITES:
                break
    say("")


@app.command()
def stop(
    run: RunRef,
    reason: Annotated[str | None, typer.Option(help="Why, for the case's history.")] = None,
    as_json: Json = False,
) -> None:
    """Stop a run; its case fails with the reason."""
    casework = installation()
    stopped = casework.perform(
        services.runs.stop(casework.db, casework.settings, casework.team_id, find_id("run", run), reason)
    )
    if as_json:
        print_json(stopped)
    else:
        short = shorten([stopped.id])[stopped.id]
        say(
            f"Run {short} was asked to stop."
            if stopped.status is RunStatus.RUNNING
            else f"Run {short} is {stopped.status}."
        )
