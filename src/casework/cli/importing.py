"""`casework cases import`."""

import io
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

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
from casework.cli.rows import BadLine, Shape, columns_in, csv_records, json_records, new_cases
from casework.core.model import NewCase, QueueId
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

BATCH = 500
_STEP = 50_000
"""Characters between two steps of the progress bar."""
_SHOWN = 20


@dataclass
class _Tally:
    added: int = 0
    known: int = 0
    bad: list[BadLine] = field(default_factory=list)

    def count(self, given: int, added: int) -> None:
        self.added += added
        self.known += given - added


def import_(
    queue: QueueRef,
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV with a header, or JSON Lines; - is standard input.")],
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
        typer.Option(
            metavar="COLUMN", help="A column that identifies a record: what is there already is not added again."
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="csv or jsonl; by the file's name where it is not given.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Between CSV fields; found in the header where it is not given.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the file.")] = "utf-8-sig",
    strict: Annotated[bool, typer.Option("--strict", help="One bad line, and nothing goes in.")] = False,
    as_json: Json = False,
) -> None:
    """Import a file of records as cases. Bad lines are named, the good ones go in; exit code 1 where there were any."""
    from casework.cli.terminal import progress

    shape = Shape(title, tuple(label or ()), priority, key)
    columns_in(shape)
    queue_id = find_queue(queue).id
    with _opened(file) as (stream, size), progress() as bar:
        task = bar.add_task(f"Importing {Path(file).name if file != '-' else 'standard input'}", total=size)
        lines = _decoded(stream, encoding, bar, task)
        records = json_records(lines) if _is_json(file, form) else csv_records(lines, delimiter)
        rows = new_cases(records, shape)
        tally = _import_strictly(queue_id, rows) if strict else _import(queue_id, rows)
    _report(tally, strict, as_json)
    if tally.bad:
        raise typer.Exit(1)


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if file == "-":
        if sys.stdin is None:
            raise InvalidInput("Standard input is closed.")
        yield sys.stdin.buffer, None
        return
    path = Path(file)
    try:
        with path.open("rb") as stream:
            yield stream, path.stat().st_size
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror or error}.") from None


def _is_json(file: str, form: str | None) -> bool:
    if form not in (None, "csv", "jsonl"):
        raise InvalidInput(f"--format is csv or jsonl (got {form!r}).")
    return form == "jsonl" if form else Path(file).suffix.lower() in (".jsonl", ".ndjson", ".json")


def _decoded(stream: BinaryIO, encoding: str, bar: "Progress", task: "TaskID") -> Iterator[str]:
    """Lines as text. What is not in the encoding becomes a character that no case may hold, so that its line is named."""
    try:
        text = io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="")
    except (LookupError, UnicodeError):
        raise InvalidInput(f"--encoding: there is no encoding {encoding!r}.") from None
    try:
        read = 0
        for line in text:
            read += len(line)
            # Not for each line: a step of the bar costs as much as the line.
            if read >= _STEP:
                bar.advance(task, read)
                read = 0
            yield line
        bar.advance(task, read)
    except UnicodeError as error:
        raise InvalidInput(f"The file is not in {encoding}: {error}. Say --encoding.") from None
    text.detach()


def _import(queue_id: QueueId, rows: Iterator[tuple[int, NewCase] | BadLine]) -> _Tally:
    """Batch by batch: what was imported stays, whatever comes later. One batch is written while the next is read."""
    casework = installation()
    tally = _Tally()

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
    return tally


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


def _import_strictly(queue_id: QueueId, rows: Iterator[tuple[int, NewCase] | BadLine]) -> _Tally:
    """All in one transaction, once every line is known to be good."""
    casework = installation()
    tally = _Tally()
    good: list[NewCase] = []
    for row in rows:
        if isinstance(row, BadLine):
            tally.bad.append(row)
        else:
            good.append(row[1])
    if good and not tally.bad:
        tally.count(len(good), len(casework.perform(services.cases.create_all(casework.db, queue_id, good))))
    return tally


def _report(tally: _Tally, strict: bool, as_json: bool) -> None:
    if as_json:
        print_json({"added": tally.added, "already_there": tally.known, "bad_lines": _as_objects(tally.bad)})
        return
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
