from typing import TYPE_CHECKING, Annotated

import typer

from casework.cli import case_acts, services, story
from casework.cli.case_inputs import read_data, read_filter, read_labels, read_when
from casework.cli.console import (
    Json,
    QueueRef,
    find_id,
    find_queue,
    installation,
    local_time,
    local_times,
    plain,
    print_json,
    say,
    shorten,
    table,
)
from casework.cli.imports.command import import_
from casework.cli.requests import as_object
from casework.core import model
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, LabelRef, NewCase, Priority
from casework.errors import Conflict
from casework.printable import printable

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Cases: work items.", no_args_is_help=True)
app.command("import")(import_)

CASE_COLUMNS = ("id", "status", "priority", "created", "labels", "reason", "title")
CASE_YIELDS = ("priority", "labels", "created", "reason")

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="Id of a case, or its last 8 characters.")]


@app.command()
def add(
    queue: QueueRef,
    title: str,
    data: Annotated[str | None, typer.Option(help="JSON; - reads it from standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="Data that is plain text.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label: value, or key=value. Repeatable.")] = None,
    priority: Annotated[Priority, typer.Option()] = Priority.NONE,
    key: Annotated[str | None, typer.Option(help="Identifies the case: one with that key is not added again.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help='When it is ready, as in "2h" or "2026-12-01 09:00"; until then it is postponed.'
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a case to a queue."""
    casework = installation()
    ready_at = read_when(at) if at is not None else None
    new = NewCase(title, read_data(data, text), read_labels(label), priority, key, ready_at)
    found = find_queue(queue)
    done = casework.perform(services.cases.create_and_get(casework.db, found.id, [new]))
    case = done.cases[0]
    short = shorten([case.id])[case.id]
    if done.existing:
        raise Conflict(f"Queue {found.name} has a case with the key {key!r} already: {short}.")
    if as_json:
        print_json(case)
    else:
        until = f"; it is postponed until {local_time(case.postponed_to)}" if case.postponed_to else ""
        say(f"Added case {short} to {found.name}{until}.")


@app.command("list")
def list_(
    queue: QueueRef,
    status: Annotated[str, typer.Option(help="Only with these statuses, comma-separated.")] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(help="Only with this label: value, or key=value. Repeatable: one key's are ORed."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Only with this in the title.")] = None,
    search: Annotated[
        str | None, typer.Option(help='Only with these words in title or data; "quoted" for a phrase, - for not.')
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List cases of a queue, the newest first."""
    casework = installation()
    found = services.cases.find(
        casework.db,
        find_queue(queue).id,
        read_filter(status, label, title, search),
        limit=limit,
        offset=offset,
    )
    failed = [one.id for one in found if one.status is CaseStatus.FAILED]
    reasons = services.cases.end_reasons(casework.db, failed) if failed else {}
    if as_json:
        print_json([{**plain(one), "reason": reasons.get(one.id)} for one in found])
        return
    short = shorten(one.id for one in found)
    rows = (
        (
            short[one.id],
            one.status,
            one.priority,
            one.created_at,
            _labels(one),
            _until(one) or _first_words(reasons.get(one.id)),
            one.title,
        )
        for one in found
    )
    table(
        CASE_COLUMNS,
        rows,
        empty="There are no such cases.",
        yields=CASE_YIELDS,
    )


_SHOWN_OF_REASON = 120


def _first_words(reason: str | None) -> str | None:
    """A reason as it fits into a list: an agent may have written a page."""
    return f"{reason[: _SHOWN_OF_REASON - 1]}…" if reason and len(reason) > _SHOWN_OF_REASON else reason


def _until(case: Case) -> str | None:
    """Until when a postponed case waits."""
    if case.postponed_to is None:
        return None
    from casework.cli.terminal import moment

    return f"until {moment(case.postponed_to)}"


def _labels(case: Case) -> str:
    return ", ".join(str(LabelRef(label.value, label.key)) for label in case.labels)


@app.command()
def show(
    case: CaseId,
    messages: Annotated[bool, typer.Option("--messages", help="Also what its runs said and called.")] = False,
    steps: Annotated[bool, typer.Option("--steps", help="Also the steps that its runs have done.")] = False,
    as_json: Json = False,
) -> None:
    """Show a case: its status and the reason for it, data, runs, requests with answers, and history."""
    casework = installation()
    id = find_id("case", case)
    found, events = services.cases.get(casework.db, casework.team_id, id)
    ran = services.runs.find(casework.db, casework.team_id, case_id=found.id, limit=1000)
    asked = story.requests_of(events)
    if as_json:
        print_json(
            {"case": found, "events": events, "runs": ran, "requests": [as_object(one) for one in asked.values()]}
        )
        return
    say(story.head(found, _labels(found), _why(found)))
    if found.data != "":
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
    if steps:
        story.show_steps(ran)
        say("")
    story.show_history(events, asked)


def _why(case: Case) -> str:
    """Why the case is in its status."""
    casework = installation()
    found = services.case_diagnosis.explain(casework.db, casework.settings, casework.team_id, case.id)
    return str(local_times(found.message))


@app.command()
def explain(case: CaseId, as_json: Json = False) -> None:
    """Say why a case is not being worked on now."""
    casework = installation()
    why = services.case_diagnosis.explain(casework.db, casework.settings, casework.team_id, find_id("case", case))
    if as_json:
        print_json(why)
    else:
        say(printable(local_times(why.message)))


@app.command()
def watch(case: CaseId) -> None:
    """Show what happens to a case as it happens, until it has ended. Ctrl-C ends the watch."""
    story.follow(model.CaseId(find_id("case", case)))


app.command()(case_acts.edit)
app.command()(case_acts.retry)
app.command()(case_acts.delegate)
app.command()(case_acts.postpone)
app.command()(case_acts.settle)
app.command()(case_acts.delete)
