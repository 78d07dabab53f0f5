"""`casework up`: all processes of a small installation in one terminal."""

import signal
import threading
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from casework.cli.admin_key import admin_key
from casework.cli.children import Child, Children
from casework.cli.console import counted, installation
from casework.cli.roles import Concurrency, Pool, PoolOption, api_command, beat_command, ticker_command, worker_command
from casework.cli.serve import DEFAULT_PORT, Host, Port, check_port

if TYPE_CHECKING:
    from casework.cli.screen import Screen

_POLL_SECONDS = 0.25


def up(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Worker processes.")] = 1,
    concurrency: Concurrency = None,
    pool: PoolOption = Pool.PREFORK,
) -> None:
    """Run everything: API, workers, ticker, beat, and the servers that no setting names.

    Ctrl-C stops it all; a second one at once.
    """
    from casework.cli.screen import opened

    check_port(host, port)
    casework = installation()
    concurrency = concurrency or casework.settings.worker_concurrency
    with opened(casework) as screen:
        children = Children([Child("api", api_command(host, port)), *roles(workers, pool, concurrency)], screen.tell)
        interrupts = _count_interrupts()
        children.start()
        screen.note(f"The API is at http://{host}:{port}, its documentation at http://{host}:{port}/docs.")
        screen.note(admin_key(casework))
        if not casework.settings.modules:
            screen.note("CASEWORK_AGENT_MODULES is not set: no module may hold python agents.")
        screen.note(
            f"casework is up: {counted(workers, 'worker')} of {counted(concurrency, 'run')}, ticker and beat. Ctrl-C stops it."
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
    """A list to which each Ctrl-C and SIGTERM adds an entry."""
    seen: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: seen.append(number))
    return seen


def _stop(children: Children, interrupts: list[int], seconds: float, screen: "Screen") -> None:
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
