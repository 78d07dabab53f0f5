"""Emitting events, and subscribing to them."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

_logger = logging.getLogger("casework")


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. `action` is the stable name that log lines and counters use."""

    action: ClassVar[str]
    level: ClassVar[int] = logging.INFO

    def values(self) -> dict[str, Any]:
        """The event's fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


Subscriber = Callable[[Event], None]

Wants = Callable[[type[Event]], bool]

_subscribers: list[tuple[Subscriber, Wants]] = []


def subscribe(subscriber: Subscriber, wants: Wants = lambda _: True) -> None:
    """Call `subscriber` for every event from now on; a second subscription of the same one changes nothing. Events that it does
    not want, it may be given all the same."""
    if all(known != subscriber for known, _ in _subscribers):
        _subscribers.append((subscriber, wants))


def unsubscribe(subscriber: Subscriber) -> None:
    """Stop calling `subscriber`."""
    _subscribers[:] = [one for one in _subscribers if one[0] != subscriber]


def is_wanted(kind: type[Event]) -> bool:
    """Whether anybody wants such events: what happens a hundred times in a message need not be told to nobody."""
    for _, wants in tuple(_subscribers):  # noqa: SIM110 - a generator costs as much as what is spared
        if wants(kind):
            return True
    return False


def emit(event: Event) -> None:
    """Pass the event to every subscriber."""
    for subscriber, _ in tuple(_subscribers):
        try:
            subscriber(event)
        except Exception:
            _logger.exception("events.subscriber_failed")


class Counts:
    """A subscriber that counts events by their action, since the process began."""

    def __init__(self) -> None:
        self.by_action: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Count the event."""
        self.by_action[event.action] += 1
