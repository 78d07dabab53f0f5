"""`casework cases`."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.cli import completion, services, story
from casework.cli.console import (
    Json,
    QueueRef,
    counted,
    find_agent,
    find_id,
    find_queue,
    installation,
    print_json,
    say,
    shorten,
    table,
)
from casework.cli.imports.command import import_
from casework.cli.requests import as_object
from casework.core import model
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseEvent, CaseFilter, LabelRef, NewCase, Priority, QueueId
from casework.core.statuses import read_statuses
from casework.errors import InvalidInput
from casework.printable import printable

if TYPE_CHECKING:
    from casework.service.cases import Withdrawn

app = typer.Typer(help="Cases: work items.", no_args_is_help=True)
app.command("import")(import_)

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="Id of a case, or its last 8 characters.")]
CaseIds = Annotated[list[str], typer.Argument(metavar="CASE...", help="Ids of cases, or their last 8 characters.")]


@app.command()
def add(
    queue: QueueRef,
    title: str,
    data: Annotated[str | None, typer.Option(help="JSON; - reads it from standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="Data that is plain text.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label: value, or key=value. Repeatable.")] = None,
    priority: Annotated[Priority, typer.Option()] = Priority.NONE,
    as_json: Json = False,
) -> None:
    """Add a case to a queue."""
    casework = installation()
    new = NewCase(title, _data(data, text), tuple(_label(one) for one in label or ()), priority)
    found = find_queue(queue)
    ids = casework.perform(services.cases.create(casework.db, found.id, [new]))
    case = services.cases.get_many(casework.db, ids)[0]
    if as_json:
        print_json(case)
    else:
        say(f"Added case {shorten([case.id])[case.id]} to {found.name}.")


def _data(data: str | None, text: str | None) -> Any:
    if data is not None and text is not None:
        raise InvalidInput("Give --data or --text, not both.")
    if data is None:
        return text or ""
    try:
        return json.loads(sys.stdin.read() if data == "-" else data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--data is not JSON: {error}. For plain text there is --text.") from None


def _label(text: str) -> LabelRef:
    key, separator, value = text.partition("=")
    return LabelRef(value, key) if separator else LabelRef(text)


@app.command("list")
def list_(
    queue: QueueRef,
    status: Annotated[str, typer.Option(help="Only with these statuses, comma-separated.")] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(help="Only with this label: value, or key=value. Repeatable: one key's are ORed."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Only with this in the title.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List cases of a queue, the newest first."""
    casework = installation()
    labels: dict[str, tuple[str, ...]] = {}
    for one in map(_label, label or ()):
        labels[one.key] = (*labels.get(one.key, ()), one.value)
    found = services.cases.find(
        casework.db,
        find_queue(queue).id,
        CaseFilter(read_statuses(CaseStatus, status, "--status"), labels, title),
        limit=limit,
        offset=offset,
    )
    if as_json:
        print_json(found)
        return
    short = shorten(one.id for one in found)
    rows = ((short[one.id], _status(one), one.priority, one.created_at, _labels(one), one.title) for one in found)
    table(
        ("id", "status", "priority", "created", "labels", "title"),
        rows,
        empty="There are no such cases.",
        yields=("priority", "labels", "created"),
    )


def _status(case: Case) -> str:
    """The status, and until when a postponed case waits."""
    if case.postponed_to is None or case.status is not CaseStatus.POSTPONED:
        return case.status
    from casework.cli.terminal import moment

    return f"{case.status} until {moment(case.postponed_to)}"


def _labels(case: Case) -> str:
    return ", ".join(f"{label.key}={label.value}" if label.key else label.value for label in case.labels)


@app.command()
def show(
    case: CaseId,
    messages: Annotated[bool, typer.Option("--messages", help="Also what its runs said and called.")] = False,
    as_json: Json = False,
) -> None:
    """Show a case: why it stands as it does, its data, runs, requests with answers, and history."""
    casework = installation()
    id = find_id("case", case)
    found, events = services.cases.get(casework.db, casework.team_id, id)
    ran = services.runs.find(casework.db, case_id=found.id, limit=1000)
    asked = story.requests_of(events)
    if as_json:
        print_json(
            {"case": found, "events": events, "runs": ran, "requests": [as_object(one) for one in asked.values()]}
        )
        return
    say(story.head(found, _labels(found), _why(found, events)))
    say(story.data_text(found.data) + "\n")
    if ran:
        story.show_runs(ran)
        say("")
    if asked:
        story.show_requests(asked.values())
        say("")
    if messages:
        story.show_messages(ran)
        say("")
    story.show_history(events, asked)


def _why(case: Case, events: Sequence[CaseEvent]) -> str:
    """Why the case stands as it does: of one that has ended the last reason."""
    casework = installation()
    told = services.explain.explain(casework.db, casework.settings, casework.team_id, case.id).message
    reason = next((event.reason for event in reversed(events) if event.type == case.status or event.reason), None)
    return f"{told} Reason: {printable(reason)}" if reason and case.completed_at else told


@app.command()
def explain(case: CaseId, as_json: Json = False) -> None:
    """Say why a case is not being worked on now."""
    casework = installation()
    why = services.explain.explain(casework.db, casework.settings, casework.team_id, find_id("case", case))
    if as_json:
        print_json(why)
    else:
        say(why.message)


@app.command()
def watch(case: CaseId) -> None:
    """Show what happens to a case as it happens, until it has ended. Ctrl-C ends the watch."""
    story.follow(model.CaseId(find_id("case", case)))


@app.command()
def retry(case: CaseIds, as_json: Json = False) -> None:
    """Set cases back to pending; live runs are interrupted."""
    casework = installation()
    _each_queue(
        case,
        as_json,
        "retried",
        lambda queue, ids: casework.perform(services.cases.retry(casework.db, casework.settings, queue, ids)),
    )


@app.command()
def delegate(
    case: CaseIds,
    to: Annotated[
        str, typer.Option("--to", metavar="AGENT", help="The agent: its name or id.", autocompletion=completion.agents)
    ],
    as_json: Json = False,
) -> None:
    """Give cases to one agent, which must be a consumer of the queue; live runs are interrupted."""
    casework = installation()
    agent = find_agent(to).id
    _each_queue(
        case,
        as_json,
        "delegated",
        lambda queue, ids: casework.perform(services.cases.delegate(casework.db, casework.settings, queue, ids, agent)),
    )


class Ending(StrEnum):
    """How a person can end a case."""

    COMPLETED = "completed"
    FAILED = "failed"


@app.command()
def settle(
    case: CaseIds,
    status: Annotated[Ending, typer.Option(help="How they end.")] = Ending.COMPLETED,
    reason: Annotated[str | None, typer.Option(help="Why, for the cases' history.")] = None,
    as_json: Json = False,
) -> None:
    """End cases by hand; live runs are interrupted, open requests cancelled."""
    casework = installation()
    _each_queue(
        case,
        as_json,
        "settled",
        lambda queue, ids: casework.perform(
            services.cases.settle(casework.db, casework.settings, queue, ids, CaseStatus(status), reason)
        ),
    )


@app.command()
def delete(case: CaseIds, as_json: Json = False) -> None:
    """Delete cases with their history; live runs are interrupted."""
    casework = installation()
    _each_queue(
        case,
        as_json,
        "deleted",
        lambda queue, ids: casework.perform(services.cases.delete(casework.db, casework.settings, queue, ids)),
    )


def _each_queue(texts: list[str], as_json: bool, word: str, act: Any) -> None:
    """Act on the cases of each queue; every id is looked up before anything is done."""
    casework = installation()
    by_queue: dict[QueueId, list[Any]] = {}
    for text in dict.fromkeys(texts):
        id = find_id("case", text)
        by_queue.setdefault(services.cases.queue_of(casework.db, casework.team_id, id), []).append(id)
    done: list[Withdrawn] = [act(queue, ids) for queue, ids in by_queue.items()]
    moved = [id for one in done for id in one.moved]
    interrupted = [run for one in done for run in one.interrupted]
    skipped = sum(one.skipped for one in done)
    if as_json:
        print_json({word: moved, "skipped": skipped, "interrupted_run_ids": interrupted})
    else:
        say(f"{counted(len(moved), 'case')} {word}, {skipped} skipped, {counted(len(interrupted), 'run')} interrupted.")
