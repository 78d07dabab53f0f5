"""Starts all processes, shows what happens, and stops them at Ctrl-C."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from casework.cli.admin_key import admin_key, sign_in_link
from casework.cli.children import Child
from casework.cli.console import counted, installation, read_settings
from casework.cli.roles import (
    API_MODULES,
    CELERY_MODULES,
    POOLS,
    ROOT_WARNING,
    Concurrency,
    Pool,
    PoolOption,
    api_command,
    beat_command,
    ticker_command,
    worker_command,
)
from casework.cli.serve import DEFAULT_PORT, Host, Port, check_port, page_url
from casework.embedded.wakeup import Wakeup

if TYPE_CHECKING:
    from casework.forkserver.client import ForkServer

_POLL_SECONDS = 0.5
"""How often it looks for processes that have ended. What they write, and signals, wake it at once."""

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
    from casework import embedded

    check_port(host, port)
    settings = read_settings()
    concurrency, group = concurrency or settings.worker_concurrency, settings.worker_group
    children = roles(workers, pool, concurrency, group)
    # All that takes long goes on at once: servers start, the fork server imports, and this process imports.
    embedded.begin(settings)
    with _fork_server() as server:
        from casework.cli.up.running import Running
        from casework.cli.up.screen import opened

        casework = installation()
        with opened(casework) as screen:
            started = [Child("api", api_command(host, port), modules=API_MODULES), *children]
            if demo:
                started.append(Child("demo", [sys.executable, "-m", "casework.demo"]))
            wakeup = Wakeup()
            running = Running(casework, screen, started, server, wakeup, reload=reload, verbose=verbose)
            interrupts = _count_interrupts()
            url = page_url(host, port)
            screen.note(admin_key(casework))
            screen.note(f"The API is at {url}, documented at /docs.")
            screen.note(f"The page, signed in once, within 15 minutes: {sign_in_link(casework, url)}")
            running.start()
            started_workers = f"{counted(workers, 'worker')} of {counted(concurrency, 'run')}{f' for the group {group}' if group else ''}"
            screen.note(f"casework is up: {started_workers}, ticker and beat. Ctrl-C stops it.")
            try:
                while not interrupts:
                    running.look()
                    wakeup.sleep(_POLL_SECONDS)
            finally:
                screen.note(
                    f"Stopping: runs may go on for up to {running.shutdown_seconds:g} s. Ctrl-C again stops at once."
                )
                running.stop(interrupts)


@contextmanager
def _fork_server() -> Iterator["ForkServer | None"]:
    """What starts the processes, with what they and this one need in memory that they share. None where forks are not safe."""
    if not sys.platform.startswith("linux"):
        yield None
        return
    import casework.service.activity
    import casework.wiring  # noqa: F401
    from casework.forkserver.client import ForkServer

    server = ForkServer(POOLS, [ROOT_WARNING], is_fork=True)
    server.load(API_MODULES)
    try:
        yield server
    finally:
        server.close()


def roles(workers: int, pool: Pool, concurrency: int, group: str = "") -> list[Child]:
    """The processes of a small installation."""
    commands = {f"worker-{number}": worker_command(pool, concurrency, group) for number in range(1, workers + 1)}
    commands |= {"ticker": ticker_command(), "beat": beat_command()}
    return [Child(name, command, modules=CELERY_MODULES) for name, command in commands.items()]


def _count_interrupts() -> list[int]:
    """A list to which each Ctrl-C and SIGTERM adds an entry."""
    seen: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: seen.append(number))
    return seen
