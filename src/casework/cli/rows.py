"""From lines of CSV or JSON to new cases, with what is wrong named by its line.

A bad record costs itself and nothing else: a quote that is never closed would swallow the rest of a CSV file, so the
reader goes back to the line after the one where the record began.
"""

import csv
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import Any

from casework.agents.run import new_case
from casework.core.model import LabelRef, NewCase, Priority
from casework.errors import InvalidInput

MAX_RECORD_LINES = 10_000
MAX_RECORD_CHARACTERS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BadLine:
    """A record that is no case, and why."""

    line: int
    reason: str


Record = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a record becomes a case."""

    title: str | None = None
    labels: tuple[str, ...] = ()
    priority: str = "none"
    key: str | None = None

    def case(self, record: Mapping[str, Any]) -> NewCase:
        """The case of a record. Raises InvalidInput."""
        if self.title is None:
            return self._own_case(record)
        return NewCase(
            fill(self.title, record),
            dict(record),
            tuple(LabelRef(_text(record, name), name) for name in self.labels if _text(record, name)),
            _priority(fill(self.priority, record)),
            _text(record, self.key) if self.key else None,
        )

    def _own_case(self, record: Mapping[str, Any]) -> NewCase:
        """A record that is a case already: its title, data, labels and priority."""
        if "title" not in record:
            raise InvalidInput("it has no title; say --title 'TEXT with {column}'")
        data = (
            record["data"]
            if "data" in record
            else {name: value for name, value in record.items() if name not in _CASE_FIELDS}
        )
        try:
            given = new_case({"labels": (), "priority": "none", **record, "data": data, "key": None})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InvalidInput(f"its labels or priority are not as a case has them ({error})") from None
        columns = tuple(LabelRef(_text(record, name), name) for name in self.labels if _text(record, name))
        priority = _priority(fill(self.priority, record)) if self.priority != "none" else given.priority
        return NewCase(
            given.title, given.data, given.labels + columns, priority, _text(record, self.key) if self.key else None
        )


_CASE_FIELDS = {"title", "labels", "priority"}


def _priority(text: str) -> Priority:
    try:
        return Priority(text.strip().lower() or "none")
    except ValueError:
        raise InvalidInput(f"the priority is {text!r}; it can be {', '.join(Priority)}") from None


def fill(template: str, record: Mapping[str, Any]) -> str:
    """The template with {column} replaced. Raises InvalidInput where the record has no such column."""
    return "".join(text + (_text(record, name) if name is not None else "") for text, name in _parsed(template)).strip()


@cache
def _parsed(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((text, name) for text, name, _, _ in Formatter().parse(template))


def _text(record: Mapping[str, Any], name: str) -> str:
    if name not in record:
        raise InvalidInput(f"there is no column {name!r}")
    value = record[name]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def columns_in(shape: Shape) -> set[str]:
    """The columns that a shape names. Raises InvalidInput for a template that cannot be read."""
    try:
        named = {
            name
            for text in (shape.title or "", shape.priority)
            for _, name, _, _ in Formatter().parse(text)
            if name is not None
        }
    except ValueError as error:
        raise InvalidInput(f"The template cannot be read: {error}. Write {{column}}, and {{{{ for a brace.") from None
    return named | set(shape.labels) | ({shape.key} if shape.key else set())


class _TooLong(csv.Error):
    """A record that goes on and on."""


class _Lines:
    """Lines that can be read again from the start of the present record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self.number = 0
        self._size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self._record.append(line)
        self._size += len(line)
        if len(self._record) > MAX_RECORD_LINES or self._size > MAX_RECORD_CHARACTERS:
            raise _TooLong("a quoted field does not end, or the record is longer than 4 MiB")
        return line

    def begin_record(self) -> int:
        """Forget the lines before; returns the number of the line that comes."""
        self._record.clear()
        self._size = 0
        return self.number + 1

    def back_to_first_line(self) -> None:
        """Read the present record again."""
        self._again.extendleft(reversed(self._record))
        self.number -= len(self._record)
        self.begin_record()

    def back_to_second_line(self) -> None:
        """Read on after the first line of the present record."""
        rest = self._record[1:]
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)


def csv_records(lines: Iterable[str], delimiter: str | None) -> Iterator[Record | BadLine]:
    """The records of a CSV file with a header, each with its line number. Raises InvalidInput for a bad header."""
    if delimiter is not None and len(delimiter) != 1:
        raise InvalidInput(f"--delimiter takes one character (got {delimiter!r}).")
    csv.field_size_limit(MAX_RECORD_CHARACTERS)
    source = _Lines(lines)
    first = _first_line(source)
    if first is None:
        raise InvalidInput("The file is empty: a CSV file begins with a line of column names.")
    source.back_to_first_line()
    delimiter = delimiter or _sniff(first)
    header = _header(source, delimiter)
    while True:
        start = source.begin_record()
        try:
            fields = next(csv.reader(source, delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            source.back_to_second_line()
            yield BadLine(start, _csv_reason(error))
            continue
        if not fields:
            continue
        if len(fields) != len(header):
            yield BadLine(start, f"it has {len(fields)} fields, and the header has {len(header)}")
        else:
            yield start, dict(zip(header, fields, strict=True))


def _first_line(source: _Lines) -> str | None:
    """The first line that is not blank."""
    for line in source:
        if line.strip():
            return line
        source.begin_record()
    return None


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if isinstance(error, _TooLong):
        return text
    return "a quoted field does not end" if "unexpected end" in text else f"it cannot be read: {text}"


def _sniff(line: str) -> str:
    return max(",;\t|", key=line.count)


def _header(source: _Lines, delimiter: str) -> Sequence[str]:
    try:
        header = [name.strip() for name in next(csv.reader(source, delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration) as error:
        raise InvalidInput(f"The header cannot be read: {error}") from None
    doubled = {name for name in header if header.count(name) > 1}
    if doubled:
        raise InvalidInput(f"The header has two columns named {min(doubled)!r}.")
    return header


def json_records(lines: Iterable[str]) -> Iterator[Record | BadLine]:
    """The records of a JSON Lines file."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            yield BadLine(number, f"it is not JSON: {error}")
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            yield BadLine(number, f"it is a JSON {type(record).__name__}, not an object")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def new_cases(records: Iterable[Record | BadLine], shape: Shape) -> Iterator[tuple[int, NewCase] | BadLine]:
    """The cases of the records, each with its line. Raises InvalidInput where the first record lacks a named column."""
    wanted = columns_in(shape)
    first = True
    for record in records:
        if isinstance(record, BadLine):
            yield record
            continue
        number, fields = record
        if first and (missing := wanted - set(fields)):
            raise InvalidInput(f"The file has no column {min(missing)!r}; it has {', '.join(map(repr, fields))}.")
        first = False
        try:
            yield number, shape.case(fields)
        except InvalidInput as error:
            yield BadLine(number, _told(str(error)))


def _told(reason: str) -> str:
    """Bytes that are not in the file's encoding were read as halves of surrogate pairs."""
    return "it holds bytes that are not in the file's encoding; say --encoding" if "surrogate" in reason else reason
