"""`casework worker|ticker|beat`: Celery's own commands with the right flags; and `casework tick`."""

import os
import sys
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from casework.cli import services
from casework.cli.console import Json, counted, installation, print_json, read_settings, say
from casework.core.names import check_group

# Workers need no messages from each other: PostgreSQL knows what each one does.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


POOLS = {"CELERY_CUSTOM_WORKER_POOL": "casework.worker.pool:TaskPool"}
"""Celery documents this variable for custom pools, and reads it when it is imported."""

API_MODULES = ("casework.api.preload",)
CELERY_MODULES = ("casework.worker.preload",)
"""What a fork server imports for the API, and for workers, tickers and beats."""


ROOT_WARNING = "You're running the worker with superuser privileges"
"""How a warning of Celery begins. It takes five lines and names an option that no command of casework has, and whoever works as
root, as in a container, knows it."""


class Pool(StrEnum):
    """How a worker executes its runs."""

    PREFORK = "prefork"
    THREADS = "threads"


Concurrency = Annotated[
    int | None,
    typer.Option("--concurrency", "-c", min=1, max=1000, help="Runs at once. CASEWORK_WORKER_CONCURRENCY by default."),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        "-g",
        help="Serve the agents of this group and no others. CASEWORK_WORKER_GROUP by default.",
    ),
]
PoolOption = Annotated[
    Pool,
    typer.Option("--pool", "-P", help="prefork: a process for each run; threads: many waiting runs in one process."),
]


def celery_command(*arguments: str) -> list[str]:
    """A command line of Celery for casework's application."""
    return [sys.executable, "-m", "celery", "-q", "-A", "casework.worker", *arguments]


def worker_command(pool: Pool, concurrency: int, group: str = "") -> list[str]:
    """A worker that serves the group and reports it, whatever the environment says. Raises InvalidInput for the name."""
    check_group(group)
    name = f"runs-{os.getpid()}@%h"
    own = {**(POOLS if pool is Pool.THREADS else {}), "CASEWORK_WORKER_GROUP": group}
    environment = ["/usr/bin/env", *(f"{name}={value}" for name, value in own.items())]
    chosen = "custom" if pool is Pool.THREADS else pool
    queue = f"runs.{group}" if group else "runs"
    options = ("-Q", queue, "-P", chosen, "-c", str(concurrency), "-n", name, "-O", "fair", *_ALONE)
    return [*environment, *celery_command("worker", *options)]


def ticker_command() -> list[str]:
    """A worker that executes ticks and nothing else."""
    return celery_command("worker", "-Q", "ticks", "-P", "solo", "-n", f"ticks-{os.getpid()}@%h", *_ALONE)


def api_command(host: str, port: int) -> list[str]:
    return [sys.executable, "-m", "casework.api", host, str(port)]


def beat_command() -> list[str]:
    """The scheduler that asks for ticks."""
    return celery_command("beat")


def without_root_warning() -> dict[str, str]:
    """The variable that keeps Celery's warning away, beside those that the user silences."""
    return {"PYTHONWARNINGS": ",".join(filter(None, (f"ignore:{ROOT_WARNING}", os.environ.get("PYTHONWARNINGS"))))}


def become(command: list[str]) -> NoReturn:
    """Replace this process, so that signals reach the command itself."""
    sys.stdout.flush()
    environment = {**os.environ, **without_root_warning()}
    os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter, without a shell


def worker(pool: PoolOption = Pool.PREFORK, concurrency: Concurrency = None, group: Group = None) -> None:
    """Execute runs. SIGTERM lets them finish for CASEWORK_SHUTDOWN_SECONDS, and then releases them."""
    settings = read_settings()
    served = settings.worker_group if group is None else group
    become(worker_command(pool, concurrency or settings.worker_concurrency, served))


def ticker() -> None:
    """Run ticks: recover stuck runs, and claim cases for agents. One is enough; several are harmless."""
    read_settings()
    become(ticker_command())


def beat() -> None:
    """Ask for a tick every CASEWORK_TICK_SECONDS. One is enough; several are harmless."""
    read_settings()
    become(beat_command())


def tick(as_json: Json = False) -> None:
    """Run one tick in this process. It claims for every slot of consumers, whatever workers can begin."""
    casework = installation()
    claimed = swept = 0
    for committed in services.dispatch.tick(casework.db, casework.settings):
        done = casework.perform(committed)
        claimed, swept = claimed + done.claimed, swept + done.swept
    if as_json:
        print_json({"claimed": claimed, "swept": swept})
    else:
        say(f"Claimed {counted(claimed, 'case')}; recovered {counted(swept, 'stuck run')}.")
