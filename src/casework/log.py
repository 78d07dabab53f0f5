"""Log lines: a subscriber of events that writes each as its stable action with the ids that it concerns."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from casework import events
from casework.events import Event
from casework.printable import printable

_logger = logging.getLogger("casework")
_bound: ContextVar[dict[str, object]] = ContextVar("casework_bound", default={})  # noqa: B039 - never changed, only replaced


def record(event: Event) -> None:
    """Subscribe this to events to have each as a log line: its action, and its values as ids."""
    if _logger.isEnabledFor(event.level):
        ids = {**event.values(), **_bound.get()}
        _logger.log(event.level, event.action, extra={"action": event.action, "ids": ids})


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Give every line of the block these ids too."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


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


def configure(level: str, form: str) -> None:
    """Send log lines to standard error, as text for people or as JSON for programs."""
    events.subscribe(record)
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _logger.setLevel(level.upper())
