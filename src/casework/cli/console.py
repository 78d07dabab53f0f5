"""How commands speak: tables for people, JSON for programs, one line for what went wrong."""

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from casework.core.model import Agent, Queue
from casework.errors import CaseworkError, InvalidInput, NotFound
from casework.service import agents, queues
from casework.settings import read_settings
from casework.wiring import Casework, connect

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
QueueRef = Annotated[str, typer.Argument(metavar="QUEUE", help="Name or id of a queue.")]
AgentRef = Annotated[str, typer.Argument(metavar="AGENT", help="Name or id of an agent.")]

_LONG = ("title", "reason", "detail", "content", "labels", "options", "value", "")
"""Columns that may wrap."""

_STATUS_STYLES = {
    "completed": "green",
    "failed": "red",
    "needs_input": "yellow",
    "waiting": "yellow",
    "claimed": "cyan",
    "running": "cyan",
    "postponed": "magenta",
    "paused": "yellow",
    "draining": "yellow",
    "interrupted": "red",
}


@cache
def out() -> Console:
    """Standard output. Without a terminal nothing is cut to its width."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240)


@cache
def err() -> Console:
    """Standard error: progress, and what went wrong."""
    return Console(stderr=True, highlight=False)


@cache
def installation() -> Casework:
    """The installation that this command works on, connected at its first use."""
    return connect(read_settings(), application="casework cli", pool_size=2)


def find_queue(ref: str) -> Queue:
    """The queue that the user means. Raises NotFound."""
    casework = installation()
    return queues.get(casework.db, casework.team_id, ref)


def find_agent(ref: str) -> Agent:
    """The agent that the user means. Raises NotFound."""
    casework = installation()
    return agents.get(casework.db, casework.team_id, ref)


def find_id(kind: str, text: str) -> UUID:
    """An id as the user wrote it. Raises NotFound, because what is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(kind, text) from None


def plain(value: Any) -> Any:
    """A value as JSON has it: records as objects, times in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def say(text: str) -> None:
    """A line for a person."""
    out().print(Text(text), soft_wrap=True)


def cell(value: Any) -> Text:
    """A value in a table: times without their noise, statuses in their colours."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("on" if value else "off")
    if isinstance(value, datetime):
        return Text(value.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    text = str(value)
    return Text(text, style=_STATUS_STYLES.get(text, ""))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None, empty: str = "Nothing there."
) -> None:
    """Print a table, or a sentence where there is nothing to show."""
    drawn = build_table(columns, rows, title=title)
    if drawn.row_count:
        out().print(drawn)
    else:
        say(empty)


def build_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table to print, or to keep up to date."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for column in columns:
        drawn.add_column(column, no_wrap=column not in _LONG, overflow="fold")
    for row in rows:
        drawn.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return drawn


def counted(number: int, thing: str) -> str:
    """A number of things, of which one has no s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def progress() -> Progress:
    """A progress bar on standard error; without a terminal it stays silent."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err(),
        transient=True,
        disable=not err().is_terminal,
    )


def _leave_output() -> None:
    """What could not be written is not tried again at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextmanager
def told_errors() -> Iterator[None]:
    """A user's mistake, or a server that is away, is one line and an exit code: 2 for input, 1 for the rest."""
    try:
        yield
    except CaseworkError as error:
        err().print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        err().print(Text.assemble(("error: ", "bold red"), f"{error.strerror or error}."), soft_wrap=True)
        _leave_output()
        sys.exit(1)
