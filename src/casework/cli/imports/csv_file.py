"""The records of a CSV file.

A quote that is never closed would swallow the rest of the file, so the reader goes back to the line after the first
line of that record.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from casework.cli.imports.header import named
from casework.cli.imports.records import BadLine, Record
from casework.errors import InvalidInput
from casework.wording import counted

MAX_RECORD_LINES = 10_000
MAX_RECORD_CHARACTERS = 4 * 1024 * 1024

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel reads and writes this as a first line."""


class _TooLong(csv.Error):
    """The record exceeds a limit."""


class _Lines:
    """Lines that can be read again from the start of the current record."""

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
        """Start a record; returns the number of its first line."""
        self._record.clear()
        self._size = 0
        return self.number + 1

    def back_to_first_line(self) -> None:
        """Go back to the first line of the current record."""
        self._again.extendleft(reversed(self._record))
        self.number -= len(self._record)
        self.begin_record()

    def back_to_second_line(self) -> None:
        """Go back to the second line of the current record."""
        rest = self._record[1:]
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)


def csv_records(
    lines: Iterable[str], delimiter: str | None, note: Callable[[str], None] = lambda _: None
) -> Iterator[Record | BadLine]:
    """The records of a CSV file with a header, each with its line number.

    `note` takes a sentence about columns that were renamed. Raises InvalidInput for a header that cannot be read.
    """
    delimiter = "\t" if delimiter in ("\\t", "tab") else delimiter
    if delimiter is not None and len(delimiter) != 1:
        raise InvalidInput(f"--delimiter takes one character (got {delimiter!r}).")
    csv.field_size_limit(MAX_RECORD_CHARACTERS)
    source = _Lines(lines)
    delimiter, header = _header(source, delimiter, note)
    found = False
    while True:
        start = source.begin_record()
        try:
            fields = next(csv.reader(source, delimiter=delimiter, strict=True))
        except StopIteration:
            if not found:
                note("The file has column names, and nothing below them.")
            return
        except csv.Error as error:
            found = True
            source.back_to_second_line()
            yield BadLine(start, _csv_reason(error))
            continue
        if not fields:
            continue
        found = True
        if len(fields) != len(header):
            yield BadLine(start, f"it has {counted(len(fields), 'field')}, and the header has {len(header)}")
        else:
            yield start, dict(zip(header, fields, strict=True))


def _header(source: _Lines, delimiter: str | None, note: Callable[[str], None]) -> tuple[str, list[str]]:
    first = _first_line(source)
    said = _SEPARATOR_LINE.fullmatch(first or "")
    if said:
        delimiter = delimiter or said[1]
        source.begin_record()
        first = _first_line(source)
    if first is None:
        raise InvalidInput("The file is empty: a CSV file begins with a line of column names.")
    source.back_to_first_line()
    delimiter = delimiter or max(",;\t|", key=first.count)
    try:
        fields = next(csv.reader(source, delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        reason = _csv_reason(error) if isinstance(error, csv.Error) else "there is none"
        raise InvalidInput(f"The header cannot be read: {reason}.") from None
    if any("\udc80" <= character <= "\udcff" for name in fields for character in name):
        raise InvalidInput("The header has bytes that are not in the file's encoding: give --encoding.")
    header, notes = named(fields)
    for one in notes:
        note(one)
    return delimiter, header


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
