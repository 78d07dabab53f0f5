"""What is drawn with rich: tables and progress. Imported when something is drawn."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from casework.printable import printable

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


def cell(value: Any) -> Text:
    """A value in a table: times without their noise, statuses in their colours."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("on" if value else "off")
    if isinstance(value, datetime):
        return Text(value.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    text = printable(str(value))
    return Text(text, style=_STATUS_STYLES.get(text, ""))


def build_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table to print, or to keep up to date."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for column in columns:
        drawn.add_column(column, no_wrap=column not in _LONG, overflow="fold")
    for row in rows:
        drawn.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return drawn


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
