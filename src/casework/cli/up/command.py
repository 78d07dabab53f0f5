"""Starts all processes, shows what happens, and stops them at Ctrl-C."""

import signal
import sys
from time import sleep
from typing import Annotated

import typer

from casework.cli.admin_key import admin_key, sign_in_link
from casework.cli.children import Child
from casework.cli.console import counted, installation
from casework.cli.roles import Concurrency, Pool, PoolOption, api_command, beat_command, ticker_command, worker_command
from casework.cli.serve import DEFAULT_PORT, Host, Port, check_port, page_url

_POLL_SECONDS = 0.1

Reload = Annotated[
    bool, typer.Option("--reload", help="Restart the workers when a file of the agents' modules changes.")
]
Demo = Annotated[
    bool,
    typer.Option("--demo", help="Set up three queues with agents, and add cases for a while: something to look at."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each HTTP request, and what the processes say of themselves.")
]


def up(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Worker processes.")] = 1,
    concurrency: Concurrency = None,
    pool: PoolOption = Pool.PREFORK,
    reload: Reload = False,
    demo: Demo = False,
    verbose: Verbose = False,
) -> None:
    """Run everything: API with the web page, workers, ticker, beat, and the servers that no setting names.

    Shows what fails, and what agents log and print. Ctrl-C stops it all; a second one at once.
    """
    from casework.cli.up.running import Running
    from casework.cli.up.screen import opened

    check_port(host, port)
    casework = installation()
    concurrency = concurrency or casework.settings.worker_concurrency
    with opened(casework) as screen:
        started = [Child("api", api_command(host, port)), *roles(workers, pool, concurrency)]
        if demo:
            started.append(Child("demo", [sys.executable, "-m", "casework.demo"]))
        running = Running(casework, screen, started, reload=reload, verbose=verbose)
        interrupts = _count_interrupts()
        url = page_url(host, port)
        screen.note(admin_key(casework))
        screen.note(f"The API is at {url}, documented at /docs.")
        screen.note(f"The page, signed in once, within 15 minutes: {sign_in_link(casework, url)}")
        running.start()
        screen.note(
            f"casework is up: {counted(workers, 'worker')} of {counted(concurrency, 'run')}, ticker and beat. Ctrl-C stops it."
        )
        try:
            while not interrupts:
                running.look()
                sleep(_POLL_SECONDS)
        finally:
            screen.note(
                f"Stopping: runs may go on for up to {running.shutdown_seconds:g} s. Ctrl-C again stops at once."
            )
            running.stop(interrupts)


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
