import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from casework.cli import services
from casework.cli.console import Json, QueueRef, counted, find_queue, installation, print_json, say, table
from casework.cli.consumers import CONSUMER_COLUMNS, as_object, consumer_row
from casework.core.model import Queue, QueueMode, QueueStats
from casework.errors import Conflict
from casework.printable import printable
from casework.wording import command

app = typer.Typer(help="Queues of cases.", no_args_is_help=True)

_POLL_SECONDS = 0.2


@app.command()
def create(name: str, description: str | None = None, as_json: Json = False) -> None:
    """Create a queue."""
    casework = installation()
    queue = services.queues.create(casework.db, casework.team_id, name, description)
    _show_one(queue, as_json, f"Created queue {queue.name}.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List queues with their cases by status."""
    casework = installation()
    found = services.queues.find_with_stats(casework.db, casework.team_id)
    if as_json:
        print_json([_as_object(queue, stats) for queue, stats in found])
        return
    table(
        QUEUE_COLUMNS,
        (queue_row(queue, stats) for queue, stats in found),
        empty=f"There are no queues. Create one: {command('queues', 'create', 'NAME')}",
        yields=QUEUE_YIELDS,
    )


QUEUE_COLUMNS = ("queue", "mode", "pending", "claimed", "input", "postponed", "done", "failed", "live", "oldest")
QUEUE_YIELDS = ("oldest", "mode", "postponed", "live")


def queue_row(queue: Queue, stats: QueueStats) -> list[Any]:
    """A queue as a row of a table."""
    age = _age((datetime.now(UTC) - stats.oldest_pending_at).total_seconds()) if stats.oldest_pending_at else None
    return [queue.name, queue.mode, *stats.cases.values(), sum(stats.live_runs.values()), age]


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _as_object(queue: Queue, stats: QueueStats) -> dict[str, Any]:
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.description,
        "mode": queue.mode,
        "cases": stats.cases,
        "live_runs": stats.live_runs,
        "counters": stats.counters,
        "oldest_pending_at": stats.oldest_pending_at,
        "oldest_pending_seconds": stats.oldest_pending_seconds,
        "ended_last_hour": stats.ended_last_hour,
        "created_at": queue.created_at,
        "updated_at": queue.updated_at,
    }


@app.command()
def show(queue: QueueRef, as_json: Json = False) -> None:
    """Show a queue, its cases by status, its consumers, and what went wrong in it."""
    casework = installation()
    found = find_queue(queue)
    stats = services.queues.stats(casework.db, casework.team_id, found.id)
    consumers = services.queues.consumers(casework.db, casework.team_id, found.id)
    if as_json:
        print_json({**_as_object(found, stats), "consumers": [as_object(one) for one in consumers]})
        return
    say(f"{found.name}  {found.id}  {found.mode}" + (f"\n{printable(found.description)}" if found.description else ""))
    table(QUEUE_COLUMNS, [queue_row(found, stats)], yields=QUEUE_YIELDS)
    table(
        CONSUMER_COLUMNS,
        map(consumer_row, consumers),
        empty=f"It has no consumers. Connect an agent: {command('consumers', 'set', found.name, 'AGENT')}",
    )
    counters = [(name, count) for name, count in stats.counters.items() if count]
    if counters:
        table(("counter", "count"), counters)


@app.command()
def pause(queue: QueueRef, as_json: Json = False) -> None:
    """Stop claiming from a queue; runs in progress finish."""
    _set_mode(queue, QueueMode.PAUSED, as_json)


@app.command()
def resume(queue: QueueRef, as_json: Json = False) -> None:
    """Start claiming from a queue again."""
    _set_mode(queue, QueueMode.ACTIVE, as_json)


def _set_mode(ref: str, mode: QueueMode, as_json: bool) -> None:
    casework = installation()
    queue = casework.perform(services.queues.set_mode(casework.db, casework.team_id, find_queue(ref).id, mode))
    _show_one(queue, as_json, f"Queue {queue.name} is {queue.mode}.")


def _show_one(queue: Queue, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(queue)
    else:
        say(sentence)


@app.command()
def delete(
    queue: QueueRef,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a queue with all its cases; live runs are interrupted."""
    casework = installation()
    found = find_queue(queue)
    total = sum(services.queues.stats(casework.db, casework.team_id, found.id).cases.values())
    if total and not yes:
        if not sys.stderr.isatty():
            raise Conflict(f"Queue {found.name} holds {counted(total, 'case')}: give --yes to delete them.")
        typer.confirm(f"Delete queue {found.name} with {counted(total, 'case')}?", abort=True, err=True)
    count, interrupted = casework.perform(
        services.queues.delete(casework.db, casework.settings, casework.team_id, found.id)
    )
    if as_json:
        counts = {"deleted_case_count": count, "deleted_cases": count}
        print_json({"id": found.id, **counts, "interrupted_run_ids": interrupted})
    else:
        say(
            f"Deleted queue {found.name} with {counted(count, 'case')}; {counted(len(interrupted), 'run')} interrupted."
        )


@app.command()
def drain(
    queue: QueueRef,
    empty: Annotated[bool, typer.Option("--empty", help="Wait until all pending cases are done first.")] = False,
    interrupt: Annotated[
        bool,
        typer.Option(
            "--interrupt",
            help="Ask running runs to stop, and release their cases. Runs that wait for an answer go on waiting.",
        ),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Stop waiting after that many seconds, with exit code 1.", min=0)
    ] = None,
    as_json: Json = False,
) -> None:
    """Stop claiming, wait until the live runs have ended, and pause the queue."""
    casework = installation()
    found = find_queue(queue)
    end = time.monotonic() + timeout if timeout is not None else None
    try:
        left = _drain(found, empty, interrupt, end)
    finally:
        casework.perform(services.queues.set_mode(casework.db, casework.team_id, found.id, QueueMode.PAUSED))
    if as_json:
        print_json(
            {"id": found.id, "name": found.name, "drained": not left, "live_runs": left, "mode": QueueMode.PAUSED}
        )
    elif left:
        say(f"Queue {found.name} is not drained: {_listed(left)}. It is paused.")
    else:
        waiting = services.queues.stats(casework.db, casework.team_id, found.id).live_runs
        rest = f"nothing is executed; {_listed(waiting)}" if waiting else "nothing is live"
        say(f"Queue {found.name} is drained: {rest}. It is paused.")
    if left:
        raise typer.Exit(1)


def _listed(left: dict[str, int]) -> str:
    words = {
        "pending": "waiting for a worker",
        "running": "running",
        "waiting": "waiting for an answer or another attempt",
        "cases": "not worked on yet",
    }
    return ", ".join(f"{count} {words[status]}" for status, count in left.items())


def _drain(queue: Queue, empty: bool, interrupt: bool, end: float | None) -> dict[str, int]:
    """Wait; returns the runs that are still live when the time is over."""
    casework = installation()
    if empty:
        left = _wait(queue, end, f"Working off {queue.name}", _pending_and_live)
        if left:
            return left
    if interrupt:
        casework.perform(services.queues.set_mode(casework.db, casework.team_id, queue.id, QueueMode.PAUSED))
        casework.perform(services.queues.release_live_runs(casework.db, casework.settings, casework.team_id, queue.id))
        return _wait(queue, end, f"Stopping the runs of {queue.name}", _executing)
    casework.perform(services.queues.set_mode(casework.db, casework.team_id, queue.id, QueueMode.DRAINING))
    return _wait(queue, end, f"Draining {queue.name}", _live)


def _live(stats: QueueStats) -> dict[str, int]:
    return stats.live_runs


def _executing(stats: QueueStats) -> dict[str, int]:
    return {status: count for status, count in stats.live_runs.items() if status != "waiting"}


def _pending_and_live(stats: QueueStats) -> dict[str, int]:
    pending = stats.cases["pending"]
    return {**({"cases": pending} if pending else {}), **stats.live_runs}


def _wait(queue: Queue, end: float | None, what: str, left_of: Any) -> dict[str, int]:
    from casework.cli.terminal import progress

    casework = installation()
    printed = ""
    with progress() as bar:
        task = bar.add_task(what, total=None)
        most = 0
        while True:
            left: dict[str, int] = left_of(services.queues.stats(casework.db, casework.team_id, queue.id))
            most = max(most, sum(left.values()))
            now = f"{what}: {_listed(left) or 'done'}"
            if set(left) == {"waiting"} and end is None:
                now += " (Ctrl-C ends the wait; --timeout and --interrupt do not wait for it)"
            bar.update(task, total=most or 1, completed=most - sum(left.values()), description=now)
            if left and now != printed and not sys.stderr.isatty():
                typer.echo(now, err=True)
                printed = now
            if not left or (end is not None and time.monotonic() >= end):
                return left
            time.sleep(_POLL_SECONDS)
