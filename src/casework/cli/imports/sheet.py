"""The records of a workbook's sheet, which the extra `casework[xlsx]` reads."""

import zipfile
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
    for number, row in enumerate(rows, 1):
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


def _rows(stream: BufferedReader, sheet: str | None) -> Iterator[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError:
        raise InvalidInput(
            "The file is an Excel workbook, which needs openpyxl: pip install 'casework[xlsx]', or save it as CSV."
        ) from None
    try:
        book = openpyxl.load_workbook(
            stream if stream.seekable() else BytesIO(stream.read()), read_only=True, data_only=True
        )
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError):
        raise InvalidInput("The file is not an Excel workbook.") from None
    if sheet is not None and sheet not in book.sheetnames:
        raise InvalidInput(
            f"The workbook has no sheet {sheet!r}{nearest(sheet, book.sheetnames) or '.'} It has {quoted(book.sheetnames)}."
        )
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
