from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from casework.cli import services
from casework.cli.console import (
    Json,
    QueueRef,
    counted,
    find_queue,
    installation,
    print_json,
    say,
    table,
)
from casework.cli.imports.csv_file import csv_records
from casework.cli.imports.json_file import json_records
from casework.cli.imports.opened import Opened, opened
from casework.cli.imports.records import BadLine, Record
from casework.cli.imports.shape import Shape, new_cases
from casework.cli.imports.sheet import sheet_records
from casework.core.model import NewCase, QueueId
from casework.errors import InvalidInput
from casework.printable import printable

BATCH = 500
_SHOWN = 20


@dataclass
class _Tally:
    added: int = 0
    known: int = 0
    bad: list[BadLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, given: int, added: int) -> None:
        self.added += added
        self.known += given - added


def import_(
    queue: QueueRef,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV with a header, JSON Lines, a JSON array of objects, or an Excel workbook; also with .gz. - is standard input.",
        ),
    ],
    title: Annotated[
        str | None,
        typer.Option(help="The title, as in 'Invoice {number}'. Without it each record has a title of its own."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column whose values become labels. Repeatable.")
    ] = None,
    priority: Annotated[str, typer.Option(help="none, medium, high, or a template like '{urgency}'.")] = "none",
    key: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="A column that identifies a record: a known one is not added again."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="When the cases are ready: '2h', '2026-12-01 09:00', or a template like '{due}'."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, json (also JSON Lines) or xlsx. Default: by the file's name."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between CSV fields. Default: found in the first line.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the file. Default: by its byte order mark, else UTF-8.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook. Default: the first.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Add nothing if any line is bad.")] = False,
    as_json: Json = False,
) -> None:
    """Import a file of records as cases. Adds the good lines, lists the bad ones, and exits with 1 if there were
    any."""
    from casework.cli.terminal import progress

    shape = Shape(title, tuple(label or ()), priority, key, at)
    shape.columns()
    queue_id = find_queue(queue).id
    tally = _Tally()
    with opened(file) as source, progress() as bar:
        task = bar.add_task(f"Importing {Path(file).name if file != '-' else 'standard input'}", total=source.size)
        reader = _Reader(delimiter, encoding, sheet, tally.notes.append, lambda read: bar.advance(task, read))
        rows = new_cases(reader.records(source, _format(file, form, source)), shape)
        if strict:
            _import_strictly(queue_id, rows, tally)
        else:
            _import(queue_id, rows, tally)
    _report(tally, strict, as_json)
    if tally.bad:
        raise typer.Exit(1)


class Format(StrEnum):
    """The formats of files."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
    ".xlsx": Format.XLSX,
    ".xlsm": Format.XLSX,
}


def _format(file: str, given: str | None, source: Opened) -> Format:
    """The format: as given, by the file's name, or by its first bytes."""
    if given is not None:
        try:
            return Format("json" if given == "jsonl" else given)
        except ValueError:
            raise InvalidInput(f"--format is {', '.join(Format)} (got {given!r}).") from None
    suffix = Path(file.lower().removesuffix(".gz")).suffix
    if suffix in _SUFFIXES and not (_SUFFIXES[suffix] is Format.CSV and source.holds_objects()):
        return _SUFFIXES[suffix]
    return Format.JSON if source.begins_like_json() else Format.CSV


_OPTIONS = {
    "delimiter": (Format.CSV,),
    "encoding": (Format.CSV, Format.JSON),
    "sheet": (Format.XLSX,),
}
"""The formats that an option is for."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """How to read a file: the user's options, and callbacks for notes and progress."""

    delimiter: str | None
    encoding: str | None
    sheet: str | None
    note: Callable[[str], None]
    advance: Callable[[int], object]

    def records(self, source: Opened, form: Format) -> Iterator[Record | BadLine]:
        """The records. If the file cannot be read to its end, the last one is a bad line that says why."""
        self._check(form)
        if form is Format.XLSX:
            yield from sheet_records(source.stream, self.sheet, self.note)
            return
        last = 0
        lines = source.lines(self.encoding, self.advance)
        for record in json_records(lines) if form is Format.JSON else csv_records(lines, self.delimiter, self.note):
            last = record.line if isinstance(record, BadLine) else record[0]
            yield record
        if source.fault:
            yield BadLine(last + 1, source.fault)

    def _check(self, form: Format) -> None:
        """Raise InvalidInput for an option that the format has no use for."""
        given = {"delimiter": self.delimiter, "encoding": self.encoding, "sheet": self.sheet}
        for name, forms in _OPTIONS.items():
            if given[name] is not None and form not in forms:
                raise InvalidInput(f"--{name} is for {' and '.join(forms)} files, and this one is read as {form}.")


def _import(queue_id: QueueId, rows: Iterator[tuple[int, NewCase] | BadLine], tally: _Tally) -> None:
    """Import in batches, each committed by itself. One batch is written while the next is read."""
    casework = installation()

    def write(batch: list[NewCase]) -> None:
        tally.count(len(batch), len(casework.perform(services.cases.create(casework.db, queue_id, batch))))

    with ThreadPoolExecutor(1) as writer:
        written: Future[None] | None = None
        for batch in _batches(rows, tally.bad):
            if written:
                written.result()
            written = writer.submit(write, batch)
        if written:
            written.result()


def _batches(rows: Iterator[tuple[int, NewCase] | BadLine], bad: list[BadLine]) -> Iterator[list[NewCase]]:
    batch: list[NewCase] = []
    for row in rows:
        if isinstance(row, BadLine):
            bad.append(row)
            continue
        batch.append(row[1])
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _import_strictly(queue_id: QueueId, rows: Iterator[tuple[int, NewCase] | BadLine], tally: _Tally) -> None:
    """Import everything in one transaction, if every line is good."""
    casework = installation()
    good: list[NewCase] = []
    for row in rows:
        if isinstance(row, BadLine):
            tally.bad.append(row)
        else:
            good.append(row[1])
    if good and not tally.bad:
        tally.count(len(good), len(casework.perform(services.cases.create_all(casework.db, queue_id, good))))


def _report(tally: _Tally, strict: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "added": tally.added,
                "already_there": tally.known,
                "bad_lines": _as_objects(tally.bad),
                "notes": tally.notes,
            }
        )
        return
    for one in tally.notes:
        say(printable(one))
    if tally.bad:
        title = counted(len(tally.bad), "bad line") + (f", the first {_SHOWN}" if len(tally.bad) > _SHOWN else "")
        table(("line", "reason"), [(bad.line, bad.reason) for bad in tally.bad[:_SHOWN]], title=title)
    known = f", {tally.known} {'was' if tally.known == 1 else 'were'} there already" if tally.known else ""
    say(
        f"Added {counted(tally.added, 'case')}{known}."
        if tally.added or not (strict and tally.bad)
        else "Added nothing, because of the bad lines."
    )


def _as_objects(bad: Sequence[BadLine]) -> list[dict[str, Any]]:
    return [{"line": one.line, "reason": one.reason} for one in bad]
