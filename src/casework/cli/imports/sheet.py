"""The records of a workbook's sheet, which the extra `casework[xlsx]` reads."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BufferedReader, BytesIO
from typing import Any

from casework.cli.imports.header import named
from casework.cli.imports.records import BadLine, Record, nearest, quoted
from casework.errors import InvalidInput
from casework.wording import counted


def sheet_records(stream: BufferedReader, sheet: str | None, note: Callable[[str], None]) -> Iterator[Record | BadLine]:
    """The rows of a sheet with their numbers; the first sheet if no name is given. `note` takes sentences about renamed
    columns.

    Raises InvalidInput if openpyxl is not installed, or the file is not a workbook.
    """
    rows = _rows(stream, sheet)
    header: list[str] | None = None
    for number, row in enumerate(_to_its_fault(rows), 1):
        if row is None:
            yield BadLine(number, "here the workbook is damaged; what follows was not read")
            return
        values = _without_empty_end(row)
        if not values:
            continue
        if header is None:
            header, notes = named(["" if value is None else str(_plain(value)) for value in values])
            for one in notes:
                note(one)
        elif len(values) > len(header):
            yield BadLine(number, f"it has {counted(len(values), 'cell')}, and the header has {len(header)}")
        else:
            padded = [*values, *[None] * (len(header) - len(values))]
            yield number, {name: _plain(value) for name, value in zip(header, padded, strict=True)}
    if header is None:
        raise InvalidInput("The sheet is empty: it begins with a row of column names.")


_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError, TypeError, OSError, SyntaxError)
"""What the reader raises for a file that is not a whole workbook."""

_OLD = b"\xd0\xcf\x11\xe0"


def _to_its_fault(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...] | None]:
    """The rows, and None in place of one that cannot be read."""
    try:
        yield from rows
    except _DAMAGES:
        yield None


def _rows(stream: BufferedReader, sheet: str | None) -> Iterator[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError:
        raise InvalidInput(
            "The file is an Excel workbook, which needs openpyxl: pip install 'casework[xlsx]', or save it as CSV."
        ) from None
    if stream.peek(len(_OLD)).startswith(_OLD):
        raise InvalidInput(
            "The file is an old Excel workbook, or has a password: save it as .xlsx without one, or as CSV."
        )
    try:
        book = openpyxl.load_workbook(
            stream if stream.seekable() else BytesIO(stream.read()), read_only=True, data_only=True
        )
    except _DAMAGES:
        raise InvalidInput("The file is not an Excel workbook.") from None
    if sheet is not None and sheet not in book.sheetnames:
        raise InvalidInput(
            f"The workbook has no sheet {sheet!r}{nearest(sheet, book.sheetnames) or '.'} It has {quoted(book.sheetnames)}."
        )
    if sheet is None and not book.worksheets:
        raise InvalidInput("The workbook has no sheet with cells.")
    found = book[sheet] if sheet is not None else book.worksheets[0]
    yield from found.iter_rows(values_only=True)


def _without_empty_end(row: Sequence[Any]) -> list[Any]:
    values = list(row)
    while values and values[-1] in (None, ""):
        values.pop()
    return values


def _plain(value: Any) -> Any:
    """The value of a cell as JSON."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value
