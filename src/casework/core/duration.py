"""Durations and moments as people write them: "90s", "2h", "1d", "1w", or an ISO 8601 time with its zone."""

import re
from datetime import UTC, datetime, timedelta

from casework.errors import InvalidInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")
LONGEST = timedelta(days=3650)


def parse_span(text: str) -> timedelta:
    """A duration such as "2h" or "1h 30m".

    Raises InvalidInput where the text is none, or is longer than ten years.
    """
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text):
        raise InvalidInput(f'{text!r} is no duration: write a number and a unit (s, m, h, d, w), as in "90s" or "2h".')
    try:
        span = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise InvalidInput(f"{text!r} is longer than ten years.")
    return span


def parse_when(when: str | timedelta | datetime) -> timedelta | datetime:
    """A span from now, or an aware moment in UTC.

    Raises InvalidInput for what is neither, for a moment without a zone and for a negative span.
    """
    if isinstance(when, timedelta):
        if when < timedelta() or when > LONGEST:
            raise InvalidInput(f"{when} is not between now and ten years from now.")
        return when
    moment = _moment(when) if isinstance(when, str) else when
    if not isinstance(moment, datetime):
        return parse_span(str(when))
    if moment.tzinfo is None:
        raise InvalidInput(f"{moment.isoformat()} has no time zone: write +00:00 or Z behind it.")
    return moment.astimezone(UTC)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
