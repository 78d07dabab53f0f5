"""Statements that are sent again and again: prepared once on a connection, and executed without a cursor.

A cursor of the driver is ready for any statement, in any state of a connection. Through it, and through SQLAlchemy's pool,
a run's start takes a worker 90 us of processor time; from here, on a connection that is at hand, 50.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import count
from time import monotonic
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_PARAMETER = re.compile(r"%(?:\((\w+)\)([sb])|%)")
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

_MOST = 200
"""Statements that a connection keeps. Searches are put together from parts, and there is no end of them."""

_PLANNED_ANEW = 2.0
"""Seconds that a plan is kept. While a table is tiny, to read all of it is cheapest, and the server keeps such a plan until
the next autovacuum: with one, a claim took 100 ms instead of 4. To plan what workers and tickers repeat takes 3 ms."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement returned, read as SQLAlchemy's results are, at a third of the cost."""

    rows: Sequence[Any]
    rowcount: int

    def __iter__(self) -> Any:
        return iter(self.rows)

    def all(self) -> list[Any]:
        """All rows."""
        return list(self.rows)

    def one_or_none(self) -> Any | None:
        """The only row; None where there is none."""
        return self.rows[0] if self.rows else None

    def one(self) -> Any:
        """The only row."""
        (row,) = self.rows
        return row

    def scalar_one(self) -> Any:
        """The only value of the only row."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any | None:
        """The only value; None where there is no row."""
        return self.rows[0][0] if self.rows else None


class Prepared:
    """The statements that a connection has prepared. For one thread at a time."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()
        self._planned = monotonic()
        # Kept, because it remembers how each type is written and read: anew for each statement, that is found out again.
        # What it remembers depends on the connection's encoding and time zone, which stay as they were at its beginning.
        self._transformer = Transformer(driver)

    def execute(self, statement: str, bound: Mapping[str, Any]) -> Rows:
        """Execute a statement with `%(name)s` for parameters. Raises the driver's errors."""
        self._tidy_up()
        self._ready(statement, bound)()
        return self._rows(self._result())

    def execute_together(self, *asked: tuple[str, Mapping[str, Any]]) -> list[Rows]:
        """Execute several in one round trip; outside of a transaction they are one. Raises the error of the first that fails."""
        self._tidy_up()
        results = self._driver.wait(_sent_together(self._driver.pgconn, [self._ready(*one) for one in asked]))
        return [self._rows(self._checked(result)) for result in results]

    def _ready(self, statement: str, bound: Mapping[str, Any]) -> Callable[[], None]:
        query, names, formats = _numbered(statement)
        values: Any = self._transformer.dump_sequence([bound[name] for name in names], formats)
        types = self._transformer.types or ()
        name = self._names.get((statement, types)) or self._prepare(statement, query, types)
        return partial(self._driver.pgconn.send_query_prepared, name, values, self._transformer.formats)

    def _rows(self, result: PGresult) -> Rows:
        if not result.ntuples:
            return Rows((), result.command_tuples or 0)
        self._transformer.set_pgresult(result)
        row = _row(tuple(result.fname(column) for column in range(result.nfields)))
        rows = Rows(self._transformer.load_rows(0, result.ntuples, row), result.ntuples)
        self._transformer.set_pgresult(None)
        return rows

    def command(self, command: bytes) -> None:
        """Execute a command without parameters. Raises the driver's errors."""
        self._driver.pgconn.send_query(command)
        self._result()

    def is_idle(self) -> bool:
        """Whether the connection works, and is in no transaction."""
        pgconn = self._driver.pgconn
        return pgconn.transaction_status == TransactionStatus.IDLE and pgconn.pipeline_status == PipelineStatus.OFF

    def _tidy_up(self) -> None:
        """Before anything is made ready, and not amid several."""
        if len(self._names) >= _MOST:
            self._names.clear()
            self.command(b"deallocate all")
        if monotonic() > self._planned + _PLANNED_ANEW and self.is_idle():
            self._planned = monotonic()
            self.command(b"discard plans")

    def _prepare(self, statement: str, query: bytes, types: tuple[int, ...]) -> bytes:
        # Never again the same one: a prepare that Ctrl-C ended may have taken its name on the server.
        name = b"casework_%d" % next(self._numbers)
        self._driver.pgconn.send_prepare(name, query, types)
        self._result()
        self._names[statement, types] = name
        return name

    def _result(self) -> PGresult:
        """The driver's wait, and not libpq's own: it leaves room for signals, and cancels the statement at Ctrl-C."""
        results: list[PGresult] = self._driver.wait(generators.execute(self._driver.pgconn))
        (result,) = results
        return self._checked(result)

    def _checked(self, result: PGresult) -> PGresult:
        if result.status not in _DONE:
            error = _error(result, broken=self._driver.pgconn.status != ConnStatus.OK)
            if isinstance(error, errors.FeatureNotSupported):
                # What a statement returns has changed since it was prepared: it has to be prepared anew.
                self._names.clear()
            raise error
        return result


def _sent_together(pgconn: PGconn, sends: Sequence[Callable[[], None]]) -> PQGen[list[PGresult]]:
    pgconn.enter_pipeline_mode()
    for send in sends:
        send()
    pgconn.pipeline_sync()
    yield from generators.send(pgconn)
    results = []
    for _ in sends:
        results += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)
    pgconn.exit_pipeline_mode()
    return results


@lru_cache(1000)
def _numbered(statement: str) -> tuple[bytes, list[str], list[PyFormat]]:
    """The statement as libpq takes it, `$1` for the first parameter; the parameters' names, and their formats."""
    formats: dict[str, PyFormat] = {}

    def number(found: re.Match[str]) -> str:
        name, format = found.groups()
        if name is None:
            return "%"
        formats.setdefault(name, PyFormat.BINARY if format == "b" else PyFormat.AUTO)
        return f"${list(formats).index(name) + 1}"

    query = _PARAMETER.sub(number, statement).encode()
    return query, list(formats), list(formats.values())


@cache
def _row(columns: tuple[bytes, ...]) -> Callable[[Sequence[Any]], Any]:
    row: Any = namedtuple("Row", [column.decode() for column in columns], rename=True)  # type: ignore[misc]  # not literals
    return partial(tuple.__new__, row)


def _error(result: PGresult, *, broken: bool) -> psycopg.Error:
    if broken and not result.error_field(DiagnosticField.SQLSTATE):
        return psycopg.OperationalError(result.get_error_message())
    return errors.error_from_result(result)
