"""Log lines: a subscriber of events that writes each as its stable action with the ids that it concerns."""

import json
import logging
import sys
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import Any, TextIO, cast

from casework import events
from casework.events import Event
from casework.printable import printable

_logger = logging.getLogger("casework")

RELAYED = "relayed"
"""The form of lines that another process reads and shows: JSON, with what runs print."""

_MOST_UNENDED = 10_000
"""Characters that a run may print before its line is shown although it has not ended."""


class _Block:
    """Lines of one context have its ids. Entered for each run, so it is kept cheap."""

    __slots__ = ("_token", "ids", "is_run", "lock", "printed")

    def __init__(self, ids: dict[str, object], *, is_run: bool = False) -> None:
        self.ids, self.is_run = ids, is_run
        self.printed = ""
        """What was printed since the last line break."""
        self.lock = Lock()
        """An agent may print from several threads."""

    def __enter__(self) -> None:
        self._token = _block.set(self)

    def __exit__(self, *_: object) -> None:
        if self.printed and isinstance(sys.stdout, _Printed):
            sys.stdout.write("\n")
        _block.reset(self._token)


_NO_BLOCK = _Block({})
_block: ContextVar[_Block] = ContextVar("casework_block", default=_NO_BLOCK)


def record(event: Event) -> None:
    """Subscribe this to events to have each as a log line: its action, and its values as ids."""
    if _logger.isEnabledFor(event.level):
        ids = {**event.values(), **_block.get().ids}
        _logger.log(event.level, event.action, extra={"action": event.action, "ids": ids})


def bound(**ids: object) -> _Block:
    """Give every line of a `with` block these ids too."""
    return _Block({**_block.get().ids, **ids})


def bound_to_run(**ids: object) -> _Block:
    """Give these ids to what a run logs in a `with` block and, in relayed lines, to what it prints."""
    return _Block(ids, is_run=True)


def _add_ids(record: logging.LogRecord) -> bool:
    if not hasattr(record, "ids"):
        record.ids = _block.get().ids
    return True


def _is_relayed(record: logging.LogRecord) -> bool:
    """What runs and the agents' own code log is what their author wants to read. Elsewhere, libraries may only warn."""
    is_own = record.name.partition(".")[0] == _logger.name
    is_library = not {"site-packages", "dist-packages"}.isdisjoint(Path(record.pathname).parts)
    return record.levelno >= logging.WARNING or is_own or _block.get().is_run or not is_library


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{key}={printable(str(value))}" for key, value in getattr(record, "ids", {}).items())
        message = printable(record.getMessage())
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():<7} {message}"
        text = f"{line} {ids}" if ids else line
        return f"{text}\n{printable(self.formatException(record.exc_info), lines=True)}" if record.exc_info else text


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "action": record.getMessage(),
            **getattr(record, "ids", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class _Printed:
    """A standard stream of which a run's lines become relayed lines, with the run's ids."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        block = _block.get()
        if not block.is_run:
            self._stream.write(text)
            self._stream.flush()
            return len(text)
        with block.lock:
            *lines, block.printed = (block.printed + text).split("\n")
            if len(block.printed) > _MOST_UNENDED:
                lines, block.printed = [*lines, block.printed], ""
        for line in lines:
            self._stream.write(json.dumps({"printed": line, **block.ids}, default=str) + "\n")
        self._stream.flush()
        return len(text)

    def writelines(self, lines: Any) -> None:
        self.write("".join(lines))


def _relay_what_is_printed() -> None:
    for name in ("stdout", "stderr"):
        if not isinstance(getattr(sys, name), _Printed):
            setattr(sys, name, cast(TextIO, _Printed(getattr(sys, name))))


def configure(level: str, form: str) -> None:
    """Send log lines to standard error: as text for people, as JSON for programs, or relayed for `casework up`."""
    events.subscribe(record, lambda kind: _logger.isEnabledFor(kind.level))
    handler = logging.StreamHandler(sys.__stderr__ if form == RELAYED else None)
    handler.setFormatter(_TextFormatter() if form == "text" else _JsonFormatter())
    handler.addFilter(_add_ids)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    if form == RELAYED:
        handler.addFilter(_is_relayed)
        root.setLevel(level.upper())
        # It logs two lines for each task, which would cost time only to be dropped.
        logging.getLogger("celery").setLevel(logging.WARNING)
        _relay_what_is_printed()
    _logger.setLevel(level.upper())
