"""Input and output of commands: tables for people, JSON for programs, one line for an error. Avoids slow imports: rich
is imported when a table is drawn, the database driver when a connection is made.
"""

import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from casework.cli import completion, services
from casework.cli.person import user
from casework.core.model import Agent, Queue
from casework.errors import CaseworkError, InvalidInput, NotFound
from casework.printable import printable, printable_json
from casework.wording import counted as counted

if TYPE_CHECKING:
    from casework.settings import Settings
    from casework.store.short_ids import Kind
    from casework.wiring import Casework

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
QueueRef = Annotated[
    str, typer.Argument(metavar="QUEUE", help="Name or id of a queue.", autocompletion=completion.queues)
]
AgentRef = Annotated[
    str, typer.Argument(metavar="AGENT", help="Name or id of an agent.", autocompletion=completion.agents)
]


def read_settings() -> "Settings":
    """The settings. Raises InvalidSettings."""
    from casework import settings

    return settings.read_settings()


@cache
def installation() -> "Casework":
    """The installation that this command works on, connected at its first use. What the command does is recorded as done by
    its user."""
    from casework.wiring import connect

    casework = connect(application="casework cli", pool_size=2)
    return dataclasses.replace(casework, db=casework.db.acting_for(person=user()))


def find_queue(ref: str) -> Queue:
    """The queue with that name, id, or end of an id. Raises NotFound, and InvalidInput for an ambiguous end."""
    casework = installation()
    try:
        return services.queues.get(casework.db, casework.team_id, ref)
    except NotFound:
        return services.queues.get(casework.db, casework.team_id, find_id("queue", ref))


def find_agent(ref: str) -> Agent:
    """The agent with that name, id, or end of an id. Raises NotFound, and InvalidInput for an ambiguous end."""
    casework = installation()
    try:
        return services.agents.get(casework.db, casework.team_id, ref)
    except NotFound:
        return services.agents.get(casework.db, casework.team_id, find_id("agent", ref))


def find_id(kind: "Kind", text: str) -> UUID:
    """An id as the user wrote it: whole, or its last characters. Raises NotFound, and InvalidInput for an ambiguous end."""
    casework = installation()
    return services.short_ids.resolve(casework.db, casework.team_id, kind, text)


def shorten(ids: Iterable[UUID | None]) -> dict[UUID | None, str | None]:
    """Ids as a person reads and types them. What is None stays None."""
    short = services.short_ids.shorten(id for id in ids if id is not None)
    return {None: None, **{id: text for id, text in short.items()}}


def plain(value: Any) -> Any:
    """A value for JSON: records become objects, times ISO 8601."""
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
    sys.stdout.write(printable_json(json.dumps(plain(value), ensure_ascii=False, indent=2)) + "\n")


def say(text: str) -> None:
    """Print text for a person."""
    sys.stdout.write(printable(text, lines=True) + "\n")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    empty: str = "Nothing there.",
    yields: Sequence[str] = (),
) -> None:
    """Print a table, or a sentence if there is nothing to show. At a narrow terminal the columns of `yields` give way first."""
    kept = list(rows)
    if not kept:
        say(empty)
        return
    from casework.cli import terminal

    terminal.out().print(terminal.build_table(columns, kept, title=title, yields=yields))


def local_time(moment: datetime) -> str:
    """A moment in the local zone, to the second."""
    return moment.astimezone().isoformat(" ", "seconds")[:19]


_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00(?!\d)")


def local_times(text: str) -> str:
    """A text in which the moments that casework writes, in UTC, are in the local zone, as in tables."""
    return _MOMENT.sub(lambda found: local_time(datetime.fromisoformat(found[0])), text)


def _leave_output() -> None:
    """Keep the interpreter from flushing standard output again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _complain(message: str) -> None:
    line = printable(" ".join(part.strip() for part in message.splitlines()))
    typer.echo(typer.style("error: ", fg="red", bold=True) + line, err=True)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Report an error in one line and with an exit code: 2 for bad input, 1 for anything else."""
    try:
        yield
    except CaseworkError as error:
        _complain(str(error))
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        _complain(f"{error.strerror or error}.")
        _leave_output()
        sys.exit(1)
