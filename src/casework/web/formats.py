"""Filters of the templates: how moments, durations, numbers and data are shown."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from casework.printable import printable, printable_json

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MOST_DATA = 100_000
"""Characters of data on a page."""


def duration(length: timedelta | float | None) -> str:
    """A length of time in one or two units: `850 ms`, `12 s`, `3 min 20 s`, `2 d 4 h`."""
    if length is None:
        return "–"
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    smaller = {"d": (3_600, "h"), "h": (60, "min"), "min": (1, "s")}
    for size, unit in _UNITS:
        if seconds >= size:
            part, name = smaller[unit]
            rest = int(seconds % size // part)
            return f"{int(seconds // size)} {unit}" + (f" {rest} {name}" if rest else "")
    raise AssertionError


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How far away a moment is: `just now`, `3 min ago`, `in 2 h`. The browser keeps it up to date."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    size = abs(seconds)
    if size < 5:
        return "just now"
    text = f"{size:.0f} s"
    for unit, name in _UNITS:
        if size >= unit:
            text = f"{int(size // unit)} {name}"
            break
    return f"{text} ago" if seconds > 0 else f"in {text}"


def time(moment: datetime | None) -> Markup:
    """A `<time>` with the distance, and the exact moment on hover; the browser shows it in the reader's zone."""
    if moment is None:
        return Markup("–")
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC" data-ago>{}</time>').format(
        exact.isoformat(timespec="milliseconds"), exact.strftime("%Y-%m-%d %H:%M:%S"), ago(exact)
    )


def clock(moment: datetime | None) -> Markup:
    """A `<time>` with the time of day to the second; the browser shows it in the reader's zone."""
    if moment is None:
        return Markup("–")
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC" data-clock>{}</time>').format(
        exact.isoformat(timespec="milliseconds"), exact.strftime("%Y-%m-%d %H:%M:%S"), exact.strftime("%H:%M:%S")
    )


_SAID = re.compile(r"`([^`]+)`|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00))")


def said(text: str) -> Markup:
    """A sentence of the diagnosis: what is in backticks as code, and moments in the reader's zone."""
    parts, at = [], 0
    for found in _SAID.finditer(text):
        parts.append(escape(shown(text[at : found.start()])))
        parts.append(Markup("<code>{}</code>").format(shown(found[1])) if found[1] else _moment(found[2]))
        at = found.end()
    return Markup("").join((*parts, escape(shown(text[at:]))))


def _moment(text: str) -> Markup:
    moment = datetime.fromisoformat(text)
    return Markup('<time datetime="{}" data-moment>{} UTC</time>').format(text, moment.strftime("%Y-%m-%d %H:%M:%S"))


def number(value: float | None) -> str:
    """A whole number with thin spaces between thousands, which do not break."""
    if value is None:
        return "–"
    return f"{value:,.0f}".replace(",", "\u202f")


def short(value: float | None) -> Markup:
    """A large number as `12.3k` or `4.5M`, with the exact one on hover."""
    if value is None:
        return Markup("–")
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(value) >= size:
            shown = f"{value / (1_000 if unit == 'k' else size):.1f}".removesuffix(".0")
            return Markup('<span title="{}">{}{}</span>').format(number(value), shown, unit)
    return escape(number(value))


def data(value: Any) -> str:
    """A JSON document, indented, cut if it is very long."""
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=2))
    if len(text) <= _MOST_DATA:
        return text
    return f"{text[:_MOST_DATA]}\n… and {number(len(text) - _MOST_DATA)} more characters"


def plain(value: Any) -> str:
    """A value of JSON as a person would write it: text without quotes."""
    return value if isinstance(value, str) else printable_json(json.dumps(value, ensure_ascii=False))


def field(value: object) -> Markup:
    """A value in a form's field, unchanged: what is shown escaped elsewhere has to come back as it was."""
    return escape("" if value is None else str(value))


def shown(value: object) -> object:
    """What every `{{ ... }}` passes through: text cannot turn the reading direction or hide characters."""
    return printable(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value
