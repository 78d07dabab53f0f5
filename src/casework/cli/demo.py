"""`casework demo`: two agents work through a queue of invoices, with real worker processes."""

import itertools
import shutil
import sys
from collections import Counter
from contextlib import suppress
from importlib.resources import files
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated

import typer

from casework.cli import services
from casework.cli.admin_key import admin_key
from casework.cli.children import Children
from casework.cli.console import counted, installation, say, table
from casework.cli.roles import Pool
from casework.cli.up.command import roles
from casework.core.lifecycle import CaseStatus, EventType
from casework.core.model import CaseEvent, CaseFilter, Consumer, Queue, RequestKind
from casework.core.requests import HumanRequest
from casework.demo.invoices import COUNT, invoices
from casework.errors import CaseworkError, NameTaken
from casework.printable import printable
from casework.wording import command

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DENIED = "INV-1266"
SECONDS = 120.0


def demo(
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 2,
    show: Annotated[bool, typer.Option("--show", help="Only show the source of the two agents.")] = False,
) -> None:
    """Set up a queue with two agents and work 300 invoices through it; the demo answers what the agents ask."""
    if show:
        _show_agents()
        return
    casework = installation()
    say("casework demo: 300 invoices, a clerk, an auditor, and you in the person's part, played by the demo.\n")
    queue = _new_queue()
    consumers = _connect_agents(queue)
    admin_key(casework)
    added = casework.perform(services.cases.create_all(casework.db, queue.id, invoices()))
    listed = ", ".join(f"{one.agent_name} (at most {one.concurrency} at once)" for one in consumers)
    say(f"Queue {queue.name}: {counted(len(added), 'case')}. Agents: {listed}.")
    lines: list[str] = []
    children = Children(roles(workers, Pool.PREFORK, 4), lambda name, line: lines.append(f"{name}: {line}"))
    began = monotonic()
    children.start()
    try:
        _play(queue, children)
    except CaseworkError:
        for line in lines[-20:]:
            typer.echo(printable(line), err=True)
        raise
    finally:
        children.stop(5)
    _report(queue, monotonic() - began)


def _show_agents() -> None:
    source = (files("casework") / "demo" / "agents.py").read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        say(source.rstrip())
        return
    from casework.cli import terminal

    terminal.out().print(terminal.python(source))


def _new_queue() -> Queue:
    casework = installation()
    for number in itertools.count(1):
        name = "invoices" if number == 1 else f"invoices-{number}"
        try:
            return services.queues.create(casework.db, casework.team_id, name, "Made-up invoices of the demo")
        except NameTaken:
            continue
    raise AssertionError


def _connect_agents(queue: Queue) -> list[Consumer]:
    casework = installation()
    connected = []
    for name, concurrency in (("clerk", 8), ("auditor", 2)):
        with suppress(NameTaken):
            services.agents.create(
                casework.db, casework.settings, casework.team_id, name, target=f"casework.demo.agents:{name}"
            )
        connected.append(
            casework.perform(
                services.queues.set_consumer(
                    casework.db, casework.team_id, queue.id, name, trigger=name == "clerk", concurrency=concurrency
                )
            )
        )
    return connected


def _play(queue: Queue, children: Children) -> None:
    """Show progress and answer requests until every case has ended."""
    from casework.cli.terminal import progress

    casework = installation()
    end = monotonic() + SECONDS
    shown = 0
    with progress() as bar:
        task = bar.add_task("Working", total=COUNT)
        while True:
            children.watch()
            children.check()
            for request in services.requests.find(casework.db, casework.team_id, queue_id=queue.id):
                _answer(request, bar)
            by_status = services.queues.stats(casework.db, casework.team_id, queue.id).cases
            ended = by_status["completed"] + by_status["failed"]
            _show(bar, task, by_status, ended)
            if not sys.stderr.isatty() and ended // 100 > shown:
                shown = ended // 100
                say(f"  {ended} of {COUNT} cases have ended")
            if ended == COUNT:
                return
            if monotonic() > end:
                raise CaseworkError(f"{COUNT - ended} cases did not end within {SECONDS:g} s: {by_status}")
            sleep(0.2)


def _show(bar: "Progress", task: "TaskID", by_status: dict[str, int], ended: int) -> None:
    open_ = ", ".join(
        f"{count} {status}" for status, count in by_status.items() if count and status not in ("completed", "failed")
    )
    bar.update(task, completed=ended, description=open_ or "done")


def _answer(request: HumanRequest, bar: "Progress") -> None:
    casework = installation()
    if request.kind is RequestKind.APPROVAL:
        case, _ = services.cases.get(casework.db, casework.team_id, request.case_id)
        approved = case.data["number"] != DENIED
        casework.perform(
            services.requests.decide(casework.db, casework.team_id, request.id, approved, person="the demo")
        )
        given = "yes" if approved else "no"
    else:
        given = request.options[0]
        casework.perform(services.requests.answer(casework.db, casework.team_id, request.id, given, person="the demo"))
    line = f"  asked: {printable(request.title)}  answered: {given}"
    if sys.stderr.isatty():
        bar.console.print(line, markup=False)
    else:
        say(line)


def _report(queue: Queue, seconds: float) -> None:
    """The outcomes, one case's history, and what to try next."""
    casework = installation()
    found = services.cases.find(casework.db, queue.id, CaseFilter(), limit=COUNT)
    histories = {case.id: services.cases.get(casework.db, casework.team_id, case.id)[1] for case in found}
    kinds = Counter(kind for events in histories.values() for kind in _kinds(events))
    ended = Counter(str(case.status) for case in found)
    say("")
    rows = [(str(status), ended[status], "") for status in (CaseStatus.COMPLETED, CaseStatus.FAILED)]
    rows += [(f"  {words}", kinds[kind], example) for kind, words, example in _WORDS]
    table(("outcome", "cases", ""), rows, title=f"{len(found)} invoices in {seconds:.1f} s")
    example = next(
        case
        for case in found
        if EventType.NEEDS_INPUT in _kinds(histories[case.id]) and case.status is CaseStatus.COMPLETED
    )
    say("")
    table(
        ("when", "event", "agent", "reason"),
        [
            (event.created_at.astimezone().strftime("%H:%M:%S.%f")[:-3], event.type, event.agent_name, event.reason)
            for event in histories[example.id]
        ],
        title=f"The history of {example.title}",
    )
    say("\nTry next:")
    casework_command = "casework" if shutil.which("casework") else sys.argv[0]
    for suggestion, what in (
        (command("cases", "list", queue.name, "--status", "failed"), "what failed"),
        (command("cases", "show", services.short_ids.shorten(histories)[example.id]), "this case in full"),
        (command("demo", "--show"), "the agents' source"),
        (command("examples"), "agents of real tasks, to copy"),
        (command("up"), "the installation, for your own queues"),
    ):
        say(f"  {suggestion.replace('casework', casework_command, 1):<62} # {what}")


def _kinds(events: list[CaseEvent]) -> set[str]:
    return {event.type for event in events}


_WORDS = (
    (EventType.NEEDS_INPUT, "asked a person", "large amounts, missing currencies"),
    (EventType.POSTPONED, "came back later", "not due yet"),
    (EventType.HANDOVER, "handed over", "to the auditor"),
    (EventType.ATTEMPT_FAILED, "tried again", "the bank did not answer"),
)
