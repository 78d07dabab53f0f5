"""Durations and moments as people write them: "90s", "2h", "1d", "1w", or an ISO 8601 time with its zone."""

import re
from datetime import UTC, datetime, timedelta

from casework.errors import InvalidInput

MAX_TEXT = 100
"""Characters of a duration or a moment."""

LONGEST = timedelta(days=3650)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# The lookbehind keeps a match from beginning inside a number: the search would otherwise restart at each digit.
_SPAN = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)


def parse_span(text: str) -> timedelta:
    """A duration such as "2h" or "1h 30m".

    Raises InvalidInput if the text is not a duration, or is longer than ten years.
    """
    _check_length(text)
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip():
        raise InvalidInput(
            f'{text!r} is not a duration: write a number and a unit (s, m, h, d, w), as in "90s" or "2h".'
        )
    try:
        span = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise InvalidInput(f"{text!r} is longer than ten years.")
    return span


def parse_when(when: str | timedelta | datetime) -> timedelta | datetime:
    """A span from now, or an aware moment in UTC.

    Raises InvalidInput for anything else, for a moment without a zone and for a negative span.
    """
    if isinstance(when, timedelta):
        if when < timedelta() or when > LONGEST:
            raise InvalidInput(f"{when} is not between now and ten years from now.")
        return when
    moment = _moment(when) if isinstance(when, str) else when
    if not isinstance(moment, datetime):
        return parse_span(str(when))
    return in_utc(moment)


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises InvalidInput if it has no zone, or lies outside of the years 1 to 9999 in UTC."""
    if moment.tzinfo is None:
        raise InvalidInput(f"{moment.isoformat()} has no time zone: write +00:00 or Z behind it.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is out of range: in UTC, the years are 1 to 9999.") from None


def _moment(text: str) -> datetime | None:
    _check_length(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"A duration or moment has at most {MAX_TEXT} characters (got {len(text)}).")
