"""Tables and progress bars, drawn with rich. Imported when something is drawn."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from casework.printable import printable

_LONG = (
    *(
        "title",
        "asks",
        "case title",
        "reason",
        "detail",
        "limit",
        "agents",
        "what it does",
        "content",
        "labels",
        "options",
        "value",
        "target",
        "by",
        "who",
    ),
    "",
)
"""Columns that wrap; the others, ids among them, are always whole."""

_LEAST_WIDTH = 18
"""The least width of a column that wraps."""

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
    """Standard output. Without a terminal, lines are not cut to a width."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240)


@cache
def err() -> Console:
    """Standard error: progress, and what went wrong."""
    return Console(stderr=True, highlight=False)


def cell(value: Any) -> Text:
    """A value in a table: short times, coloured statuses."""
    if value is None or value == "":
        return Text("-", style="dim")
    if isinstance(value, Text):
        return value
    if isinstance(value, bool):
        return Text("on" if value else "off")
    if isinstance(value, datetime):
        return Text(moment(value))
    text = printable(str(value))
    return Text(text, style=_STATUS_STYLES.get(text, ""))


def moment(value: datetime) -> str:
    """The time of day, with the date if it is not today; without a terminal, always both."""
    local = value.astimezone()
    if not out().is_terminal:
        return local.strftime("%Y-%m-%d %H:%M:%S")
    return local.strftime("%H:%M:%S" if local.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M")


def build_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    yields: Sequence[str] = (),
    width: int | None = None,
) -> Table:
    """A table to print, or to show live.

    If it is wider than the terminal, the columns that `yields` names are left out, in that order, and named below it.
    """
    cells = [[cell(value) for value in row] for row in rows]
    left_out = _left_out(columns, cells, yields, width or out().width)
    drawn = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
        title_style="bold",
        caption=f"Not shown at this width: {', '.join(left_out)}" if left_out else None,
        caption_justify="left",
    )
    kept = [place for place, column in enumerate(columns) if column not in left_out]
    for place in kept:
        drawn.add_column(columns[place], no_wrap=columns[place] not in _LONG, overflow="fold")
    for row in cells:
        drawn.add_row(*(row[place] for place in kept))
    return drawn


def _left_out(columns: Sequence[str], cells: Sequence[Sequence[Text]], yields: Sequence[str], width: int) -> list[str]:
    needed = {
        column: max(len(column), *(_needed(column, row[place]) for row in cells)) + 2 if cells else len(column) + 2
        for place, column in enumerate(columns)
    }
    left_out: list[str] = []
    for column in yields:
        if sum(needed.values()) - 2 <= width:
            break
        del needed[column]
        left_out.append(column)
    return left_out


def _needed(column: str, value: Text) -> int:
    return min(value.cell_len, _LEAST_WIDTH) if column in _LONG else value.cell_len


def python(source: str) -> Syntax:
    """A source with its syntax highlighted."""
    return Syntax(source, "python", background_color="default", word_wrap=True)


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
