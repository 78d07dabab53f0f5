"""`casework up`: all processes of a small installation in one terminal."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from casework.cli.admin_key import admin_key
from casework.cli.children import Child, Children
from casework.cli.console import build_table, err, installation, out
from casework.cli.queues import QUEUE_COLUMNS, queue_row
from casework.cli.roles import Concurrency, Pool, PoolOption, api_command, beat_command, ticker_command, worker_command
from casework.cli.serve import DEFAULT_PORT, Host, Port, check_port
from casework.errors import Unavailable
from casework.service import queues
from casework.wiring import Casework

_POLL_SECONDS = 0.25
_REFRESH_SECONDS = 1.0


def up(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Worker processes.")] = 1,
    concurrency: Concurrency = None,
    pool: PoolOption = Pool.PREFORK,
) -> None:
    """Run everything: API, workers, ticker, beat, and the servers where none are named.

    Ctrl-C stops it all; a second one at once.
    """
    check_port(host, port)
    casework = installation()
    concurrency = concurrency or casework.settings.worker_concurrency
    with _screen(casework) as screen:
        children = Children([Child("api", api_command(host, port)), *roles(workers, pool, concurrency)], screen.tell)
        interrupts = _count_interrupts()
        children.start()
        screen.note(f"The API is at http://{host}:{port}, its documentation at http://{host}:{port}/docs.")
        screen.note(admin_key(casework))
        if not casework.settings.modules:
            screen.note("CASEWORK_AGENT_MODULES is not set: no module may hold python agents.")
        screen.note(
            f"casework is up: {workers} {'worker' if workers == 1 else 'workers'} of {concurrency} runs, ticker and beat. Ctrl-C stops it."
        )
        try:
            while not interrupts:
                children.watch()
                children.check()
                screen.refresh()
                sleep(_POLL_SECONDS)
        finally:
            screen.note("Stopping: runs may finish for a while. Ctrl-C again stops at once.")
            _stop(children, interrupts, casework.settings.shutdown_seconds, screen)
            screen.note("Stopped.")


def roles(workers: int, pool: Pool, concurrency: int) -> list[Child]:
    """The processes of a small installation."""
    named = [Child(f"worker-{number}", worker_command(pool, concurrency)) for number in range(1, workers + 1)]
    return [*named, Child("ticker", ticker_command()), Child("beat", beat_command())]


def _count_interrupts() -> list[int]:
    """Ctrl-C and SIGTERM, as they come."""
    seen: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: seen.append(number))
    return seen


def _stop(children: Children, interrupts: list[int], seconds: float, screen: "_Screen") -> None:
    enough = 2 if interrupts else 1
    stopping = threading.Thread(target=children.stop, args=(seconds,))
    stopping.start()
    while stopping.is_alive():
        stopping.join(_POLL_SECONDS)
        screen.refresh()
        if len(interrupts) >= enough:
            children.kill()
            break
    stopping.join()


class _Screen:
    """Plain lines."""

    def tell(self, name: str, line: str) -> None:
        """A line of a child."""
        err().print(Text.assemble((f"{name:<9}", "dim"), " ", line), soft_wrap=True)

    def note(self, line: str) -> None:
        """A line of our own."""
        out().print(Text(line), soft_wrap=True)
        sys.stdout.flush()

    def refresh(self) -> None:
        """Show what is new."""


class _LiveScreen(_Screen):
    """Lines above, and below them a table of the queues, kept up to date."""

    def __init__(self, casework: Casework, live: Live) -> None:
        self._casework = casework
        self._live = live
        self._next = 0.0

    def tell(self, name: str, line: str) -> None:
        self._live.console.print(Text.assemble((f"{name:<9}", "dim"), " ", line))

    def note(self, line: str) -> None:
        self._live.console.print(Text(line, style="bold"))

    def refresh(self) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + _REFRESH_SECONDS
        try:
            self._live.update(Group(Text(""), build_table(QUEUE_COLUMNS, _rows(self._casework))), refresh=True)
        except Unavailable as error:
            self._live.update(Text(str(error), style="red"), refresh=True)


def _rows(casework: Casework) -> Iterator[list[Any]]:
    for queue in queues.find(casework.db, casework.team_id):
        yield queue_row(queue, queues.stats(casework.db, casework.team_id, queue.id))


@contextmanager
def _screen(casework: Casework) -> Iterator[_Screen]:
    if not out().is_terminal:
        yield _Screen()
        return
    with Live(console=out(), auto_refresh=False) as live:
        yield _LiveScreen(casework, live)
