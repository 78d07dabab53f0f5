"""The queues, the runs and the waiting requests of an installation now, in at most half of a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from casework.cli import services
from casework.cli.console import shorten
from casework.cli.terminal import cell
from casework.core.model import Queue, QueueStats
from casework.wiring import Casework

_QUEUE = ("queue", "pending", "claimed", "input", "postponed", "done", "failed")
_RUN = ("run", "working on", "agent", "for")
_REQUEST = ("request", "asks", "case", "for")
_FLEXIBLE = ("queue", "working on", "asks", "case", "agent")
"""Columns that are cut when the terminal is narrow. Ids never are."""

_YIELDS = ("postponed", "done", "claimed", "agent")
"""Columns that are left out first when the terminal is narrower still."""

_LEAST_WIDTH = 12
_WIDEST = 100

_FRAME = 2
"""Lines of a part besides its rows: its head, and how many rows are left out."""


def view(casework: Casework, console: Console) -> RenderableType:
    """What to show now. Raises Unavailable."""
    room = console.height // 2
    queues = _queues(casework)
    runs = services.activity.active_runs(casework.db, casework.team_id, room)
    requests = services.requests.find(casework.db, casework.team_id, limit=room)
    short_runs, short_requests = shorten(one.id for one in runs), shorten(one.id for one in requests)
    now = datetime.now(UTC)
    parts = [
        (_QUEUE, queues),
        (_RUN, [(short_runs[one.id], one.title, one.agent_name, _lasting(one.lasts)) for one in runs]),
        (
            _REQUEST,
            [(short_requests[one.id], one.title, one.case_title, _lasting(now - one.created_at)) for one in requests],
        ),
    ]
    shown = [part for part in parts if part[1]]
    if not shown:
        return Text("\nNo queues yet. In another terminal: casework queues create NAME", style="dim")
    each = max(1, (room - 1) // len(shown) - _FRAME)
    # A terminal writes ^C behind the last line.
    width = min(console.width - 2, _WIDEST)
    return Group(Text(""), *(_part(columns, rows, each, width) for columns, rows in shown))


def _queues(casework: Casework) -> list[tuple[Any, ...]]:
    """The queues, those in which most is going on first."""
    found = services.queues.find_with_stats(casework.db, casework.team_id)
    found.sort(key=lambda one: sum(one[1].live_runs.values()) + one[1].cases["pending"], reverse=True)
    return [_queue(queue, stats) for queue, stats in found]


def _queue(queue: Queue, stats: QueueStats) -> tuple[Any, ...]:
    name = queue.name if queue.mode == "active" else f"{queue.name} ({queue.mode})"
    return (name, *stats.cases.values())


def _lasting(age: timedelta) -> str:
    seconds = max(0.0, age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _part(columns: Sequence[str], rows: Sequence[Sequence[Any]], most: int, width: int) -> RenderableType:
    drawn = Table(box=None, pad_edge=False, header_style="bold", width=width)
    kept = _kept(columns, width)
    for place in kept:
        flexible = columns[place] in _FLEXIBLE
        drawn.add_column(
            columns[place],
            no_wrap=True,
            overflow="ellipsis",
            ratio=(3 if place == 1 else 2) if flexible else None,
            justify="left" if flexible or place == 0 else "right",
        )
    for row in rows[:most]:
        drawn.add_row(*(cell(row[place]) for place in kept))
    return Group(drawn, Text(f"and {len(rows) - most} more", style="dim")) if len(rows) > most else drawn


def _kept(columns: Sequence[str], width: int) -> list[int]:
    """The places of the columns that there is room for."""
    kept = list(columns)
    for column in _YIELDS:
        if sum(max(_LEAST_WIDTH, len(one)) if one in _FLEXIBLE else len(one) + 1 for one in kept) <= width:
            break
        kept = [one for one in kept if one != column]
    return [place for place, column in enumerate(columns) if column in kept]
