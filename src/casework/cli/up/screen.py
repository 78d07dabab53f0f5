"""The output of `casework up`: lines, and at a terminal a view of the installation below them."""

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from casework.cli.terminal import err, out
from casework.cli.up.view import view
from casework.errors import Unavailable
from casework.printable import printable
from casework.wiring import Casework

_REFRESH_SECONDS = 1.0
_MOST_WAITING = 5000
"""Lines. Whoever writes more at once waits until they are shown."""


class Screen:
    """Plain lines: those of processes, and what fails, on standard error; those of the command on standard output."""

    def tell(self, line: Text) -> None:
        """Show what happens in the installation. May be called from any thread."""
        err().print(line, soft_wrap=True)

    def note(self, line: str, style: str = "") -> None:
        """Show what this command does."""
        out().print(Text(printable(line), style=style), soft_wrap=True)
        sys.stdout.flush()

    def refresh(self) -> None:
        """Show what is new. Must be called several times a second."""


class _LiveScreen(Screen):
    """Lines that scroll, and below them the view."""

    def __init__(self, look: Callable[[Console], RenderableType], live: Live) -> None:
        self._look = look
        self._live = live
        self._next = 0.0
        self._size = live.console.size
        # Each print draws the view again. Printed one by one, the lines of a busy agent would hold it up.
        self._lines: queue.Queue[Text] = queue.Queue(_MOST_WAITING)

    def tell(self, line: Text) -> None:
        if threading.current_thread() is threading.main_thread():
            # Only this thread makes room.
            self._print_lines()
        self._lines.put(line)

    def note(self, line: str, style: str = "bold") -> None:
        self._print_lines()
        self._live.console.print(Text(printable(line), style=style or "bold"), soft_wrap=True)

    def refresh(self) -> None:
        self._print_lines()
        size = self._live.console.size
        if monotonic() < self._next and size == self._size:
            return
        self._next, self._size = monotonic() + _REFRESH_SECONDS, size
        try:
            shown = self._look(self._live.console)
        except Unavailable as error:
            shown = Text(printable(str(error)), style="red")
        self._live.update(shown, refresh=True)

    def _print_lines(self) -> None:
        lines: list[Text] = []
        with suppress(queue.Empty):
            while len(lines) < _MOST_WAITING:
                lines.append(self._lines.get_nowait())
        if lines:
            self._live.console.print(Text("\n").join(lines), soft_wrap=True)


@contextmanager
def opened(casework: Casework) -> Iterator[Screen]:
    """The screen that suits standard output."""
    if not out().is_terminal:
        screen = Screen()
        yield screen
        screen.note("Stopped.")
        return
    with Live(console=out(), auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False) as live:
        screen = _LiveScreen(lambda console: view(casework, console), live)
        try:
            yield screen
        finally:
            screen.note("Stopped.")
