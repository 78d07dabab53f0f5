"""The output of `casework up`: lines from it and its children, and at a terminal a live table of the queues."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from casework.cli import services
from casework.cli.queues import QUEUE_COLUMNS, QUEUE_YIELDS, queue_row
from casework.cli.terminal import build_table, err, out
from casework.errors import Unavailable
from casework.printable import printable
from casework.wiring import Casework

_REFRESH_SECONDS = 1.0


class Screen:
    """Plain lines."""

    def tell(self, name: str, line: str) -> None:
        """Show a line from a child."""
        err().print(_line(name, line), soft_wrap=True)

    def note(self, line: str) -> None:
        """Show a line from this command."""
        out().print(Text(line), soft_wrap=True)
        sys.stdout.flush()

    def refresh(self) -> None:
        """Show what is new."""


class _LiveScreen(Screen):
    """Lines, and below them a live table of the queues."""

    def __init__(self, casework: Casework, live: Live) -> None:
        self._casework = casework
        self._live = live
        self._next = 0.0

    def tell(self, name: str, line: str) -> None:
        self._live.console.print(_line(name, line))

    def note(self, line: str) -> None:
        self._live.console.print(Text(line, style="bold"))

    def refresh(self) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + _REFRESH_SECONDS
        try:
            self._live.update(
                Group(Text(""), build_table(QUEUE_COLUMNS, _rows(self._casework), yields=QUEUE_YIELDS)), refresh=True
            )
        except Unavailable as error:
            self._live.update(Text(printable(str(error)), style="red"), refresh=True)


def _line(name: str, line: str) -> Text:
    return Text.assemble((f"{name:<9}", "dim"), " ", printable(line))


def _rows(casework: Casework) -> Iterator[list[Any]]:
    for queue in services.queues.find(casework.db, casework.team_id):
        yield queue_row(queue, services.queues.stats(casework.db, casework.team_id, queue.id))


@contextmanager
def opened(casework: Casework) -> Iterator[Screen]:
    """The screen that suits standard output."""
    if not out().is_terminal:
        yield Screen()
        return
    with Live(console=out(), auto_refresh=False) as live:
        yield _LiveScreen(casework, live)
