"""Commands that act on cases: on those given by id, or on those of a queue that match a filter."""

import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from uuid import UUID

import typer

from casework.cli import completion, services
from casework.cli.case_inputs import read_data, read_filter, read_labels, read_when
from casework.cli.console import (
    Json,
    counted,
    find_agent,
    find_id,
    find_queue,
    installation,
    local_time,
    print_json,
    say,
    shorten,
)
from casework.core.duration import parse_span
from casework.core.lifecycle import ALL, LIFECYCLE, CaseStatus, Event
from casework.core.model import LabelRef, NewCase, Priority, QueueId
from casework.errors import Conflict, InvalidInput
from casework.wording import command

if TYPE_CHECKING:
    from casework.service.overrides import CasesChanged

_BATCH = 1000
_MOST = 100_000

CaseIds = Annotated[list[str] | None, typer.Argument(metavar="CASE", help="Ids of cases, or their last 8 characters.")]
Queue = Annotated[
    str | None,
    typer.Option(
        help="Instead of ids: the cases of this queue that match the filters.", autocompletion=completion.queues
    ),
]
Status = Annotated[str, typer.Option(help="With --queue: only with these statuses, comma-separated.")]
CurrentStatus = Annotated[
    str, typer.Option("--current-status", help="With --queue: only with these statuses, comma-separated.")
]
WithLabel = Annotated[
    list[str] | None,
    typer.Option("--label", help="With --queue: only with this label: value, or key=value. Repeatable."),
]
WithTitle = Annotated[str | None, typer.Option("--title", help="With --queue: only with this in the title.")]
WithWords = Annotated[
    str | None,
    typer.Option("--search", help='With --queue: only with these words in title or data; "quoted" for a phrase.'),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="With --queue: do not ask.")]

Act = Callable[[QueueId, list[UUID]], "CasesChanged"]
Chosen = dict[QueueId, list[UUID]]


class Ending(StrEnum):
    """How a person can end a case."""

    COMPLETED = "completed"
    FAILED = "failed"


def edit(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of a case, or its last 8 characters.")],
    title: Annotated[str | None, typer.Option(help="The new title.")] = None,
    data: Annotated[str | None, typer.Option(help="The new data as JSON; - reads it from standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="The new data as plain text.")] = None,
    priority: Annotated[Priority | None, typer.Option(help="The new priority.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label to add: value, or key=value. Repeatable.")] = None,
    remove_label: Annotated[
        list[str] | None, typer.Option(help="A label to remove: value, or key=value. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a case's title, data, priority or labels, whatever its status."""
    casework = installation()
    id = find_id("case", case)
    changes: dict[str, Any] = {"data": read_data(data, text)} if data is not None or text is not None else {}
    if title is not None:
        changes["title"] = NewCase(title).title
    if priority is not None:
        changes["priority"] = priority
    added, removed = read_labels(label), read_labels(remove_label)
    if not (changes or added or removed):
        raise InvalidInput("Give at least one of --title, --data, --text, --priority, --label or --remove-label.")
    if added or removed:
        changes["relabel"] = partial(_relabelled, added, removed)
    now, _ = casework.perform(services.cases.update(casework.db, casework.team_id, id, **changes))
    if as_json:
        print_json(now)
    else:
        say(f"Changed case {shorten([id])[id]}.")


def _relabelled(added: Sequence[LabelRef], removed: Sequence[LabelRef], has: set[LabelRef]) -> set[LabelRef]:
    """The labels of a case that has these. Raises InvalidInput if it lacks one that is to be removed."""
    for ref in removed:
        if ref not in has:
            listed = ", ".join(sorted(map(str, has))) or "none"
            raise InvalidInput(f"The case has no label {str(ref)!r}; its labels: {listed}.")
    return (has - set(removed)) | set(added)


def retry(
    case: CaseIds = None,
    queue: Queue = None,
    status: Status = "",
    label: WithLabel = None,
    title: WithTitle = None,
    search: WithWords = None,
    same_agent: Annotated[
        bool, typer.Option("--same-agent", help="Delegate each to the agent it was delegated to, or that had it last.")
    ] = False,
    keep_steps: Annotated[
        bool, typer.Option("--keep-steps", help="Do not repeat the steps that the last run of each case has done.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Set cases back to pending; live runs are interrupted. A delegation ends, except with --same-agent; steps are done
    again, except with --keep-steps."""
    casework = installation()
    chosen = _chosen("Retry", case, queue, _Filter(status, label, title, search), yes)
    done = _act(
        chosen,
        Event.RETRY,
        "retried",
        as_json,
        lambda queue, ids: casework.perform(
            services.cases.retry(
                casework.db, casework.settings, queue, ids, same_agent=same_agent, keep_steps=keep_steps
            )
        ),
    )
    if not (same_agent or as_json):
        for queue_id, changed in done.items():
            _say_if_untaken(queue_id, changed)


def _say_if_untaken(queue_id: QueueId, changed: "Sequence[CasesChanged]") -> None:
    """Say it if no agent would take the cases now, and what to do."""
    casework = installation()
    moved = [id for one in changed for id in one.moved]
    cause = services.queue_diagnosis.why_untaken(casework.db, casework.settings, casework.team_id, queue_id)
    if not moved or cause is None:
        return
    say(f"{'It waits' if len(moved) == 1 else 'They wait'}, because {cause.detail}.")
    former = {agent for one in changed for agent in one.undelegated_from}
    names = [one.name for one in services.agents.find(casework.db, casework.team_id) if one.id in former]
    for name in names:
        case = shorten(moved)[moved[0]] if len(moved) == 1 else "CASE"
        say(f"The delegation to {name} ended: `{command('cases', 'delegate', '--to', name, case)}` gives it back.")


def postpone(
    case: CaseIds = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT", help='Until when, as in "2026-12-01 09:00", in the local zone if none is given.'
        ),
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="TIME", help='For how long, as in "2h" or "3d".')] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the cases' history.")] = None,
    queue: Queue = None,
    status: Status = "",
    label: WithLabel = None,
    title: WithTitle = None,
    search: WithWords = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Set cases aside until later, or change until when postponed ones wait. A delegation stays; a run that would go on is
    interrupted."""
    if (until is None) == (for_ is None):
        raise InvalidInput("Give either --until MOMENT or --for TIME.")
    casework = installation()
    when = read_when(until) if until is not None else parse_span(for_ or "")
    done = _act(
        _chosen("Postpone", case, queue, _Filter(status, label, title, search), yes),
        Event.DEFER,
        "postponed",
        as_json,
        lambda queue, ids: casework.perform(
            services.cases.postpone(casework.db, casework.settings, queue, ids, when, reason)
        ),
    )
    moved = [id for changed in done.values() for one in changed for id in one.moved]
    if moved and not as_json:
        back = services.cases.get_many(casework.db, moved[:1])[0].postponed_to
        say(f"{'It comes' if len(moved) == 1 else 'They come'} back at {local_time(back)}." if back else "")


def delegate(
    to: Annotated[
        str, typer.Option("--to", metavar="AGENT", help="The agent: its name or id.", autocompletion=completion.agents)
    ],
    case: CaseIds = None,
    queue: Queue = None,
    status: Status = "",
    label: WithLabel = None,
    title: WithTitle = None,
    search: WithWords = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give cases to one agent, which must be a consumer of the queue; live runs are interrupted."""
    casework = installation()
    agent = find_agent(to)
    _act(
        _chosen(f"Delegate to {agent.name}", case, queue, _Filter(status, label, title, search), yes),
        Event.DELEGATE,
        "delegated",
        as_json,
        lambda queue, ids: casework.perform(
            services.cases.delegate(casework.db, casework.settings, queue, ids, agent.id)
        ),
    )


def settle(
    case: CaseIds = None,
    status: Annotated[Ending, typer.Option(help="How they end.")] = Ending.COMPLETED,
    reason: Annotated[str | None, typer.Option(help="Why, for the cases' history.")] = None,
    queue: Queue = None,
    current_status: CurrentStatus = "",
    label: WithLabel = None,
    title: WithTitle = None,
    search: WithWords = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """End cases by hand; live runs are interrupted, open requests cancelled."""
    casework = installation()
    _act(
        _chosen(f"Settle as {status}", case, queue, _Filter(current_status, label, title, search), yes),
        Event.SETTLE,
        "settled",
        as_json,
        lambda queue, ids: casework.perform(
            services.cases.settle(casework.db, casework.settings, queue, ids, CaseStatus(status), reason)
        ),
    )


def delete(
    case: CaseIds = None,
    queue: Queue = None,
    status: Status = "",
    label: WithLabel = None,
    title: WithTitle = None,
    search: WithWords = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete cases with their history; live runs are interrupted."""
    casework = installation()
    _act(
        _chosen("Delete", case, queue, _Filter(status, label, title, search), yes),
        Event.DELETE,
        "deleted",
        as_json,
        lambda queue, ids: casework.perform(services.cases.delete(casework.db, casework.settings, queue, ids)),
    )


class _Filter(NamedTuple):
    status: str
    label: list[str] | None
    title: str | None
    search: str | None


def _chosen(verb: str, case: list[str] | None, queue: str | None, wanted: _Filter, yes: bool) -> Chosen:
    """The cases that are given by id, or found and confirmed. Raises InvalidInput, NotFound, and Conflict if not
    confirmed."""
    if bool(case) == (queue is not None) or (case and any(wanted)):
        raise InvalidInput(
            "Give either ids of cases, or --queue, with --label, --title, --search and a status to choose from it."
        )
    if queue is None:
        return _named(case or ())
    casework = installation()
    found = find_queue(queue)
    cases = services.cases.find(casework.db, found.id, read_filter(*wanted), limit=_MOST)
    if cases and not yes:
        question = f"{verb} {counted(len(cases), 'case')} of queue {found.name}?"
        if not sys.stdin.isatty():
            raise Conflict(f"{question} Give --yes to confirm.")
        typer.confirm(question, abort=True, err=True)
    return {found.id: [case.id for case in cases]}


def _named(texts: Iterable[str]) -> Chosen:
    """The cases by queue. Every id is looked up before anything is changed."""
    casework = installation()
    by_queue: Chosen = {}
    for id in dict.fromkeys(find_id("case", text) for text in texts):
        by_queue.setdefault(services.cases.queue_of(casework.db, casework.team_id, id), []).append(id)
    return by_queue


def _act(chosen: Chosen, event: Event, word: str, as_json: bool, act: Act) -> "dict[QueueId, list[CasesChanged]]":
    """Act on the cases of each queue, in batches that one transaction may lock. Returns what came of it, by queue."""
    done = {
        queue: [act(queue, ids[at : at + _BATCH]) for at in range(0, len(ids), _BATCH)] for queue, ids in chosen.items()
    }
    changed = list(chain.from_iterable(done.values()))
    moved = [id for one in changed for id in one.moved]
    interrupted = [run for one in changed for run in one.interrupted]
    skipped = sum(one.skipped for one in changed)
    if as_json:
        print_json({word: moved, "skipped": skipped, "interrupted_run_ids": interrupted})
        return done
    say(f"{counted(len(moved), 'case')} {word}, {skipped} skipped, {counted(len(interrupted), 'run')} interrupted.")
    if skipped and (why := _why_skipped(event, word)):
        say(why)
    return done


def _why_skipped(event: Event, word: str) -> str:
    """Which statuses permit an act, or do not, whichever are fewer; nothing if all permit it."""
    permit = LIFECYCLE.sources(event)
    refuse = ALL - permit
    if len(refuse) < len(permit):
        return f"A case that is {' or '.join(sorted(refuse))} cannot be {word}." if refuse else ""
    return f"Only a case that is {' or '.join(sorted(permit))} can be {word}."
