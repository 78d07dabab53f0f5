"""A worker's process in a test: its executor, what it keeps alive, what it asks for, and what else happens meanwhile."""

from collections.abc import Callable
from contextlib import contextmanager

from casework.agents.stop import Stop
from casework.core.effects import Effects, RunMessage
from casework.errors import DatabaseUnavailable
from casework.service.crash_points import Point
from casework.service.execution.completions import Limits
from casework.service.execution.executor import Executor
from factories import SETTINGS

PATIENT = Limits(deferred=60.0, short=60.0, group=60.0)
"""Nothing is written by a time limit before the test says so."""


class Breaking:
    """A database whose connection breaks amid some transactions, before or after their commit."""

    def __init__(self, db) -> None:
        self._db = db
        self.breaks: list[Callable[[], object] | str] = []

    def break_next(self, count: int = 1, *, committed: bool = False, error: Exception | None = None) -> None:
        self.breaks = [(committed, error or DatabaseUnavailable("the line broke"))] * count

    @contextmanager
    def _transaction(self, begin):
        committed, error = self.breaks.pop(0) if self.breaks else (True, None)
        if error and not committed:
            raise error
        with begin() as tx:
            yield tx
        if error:
            raise error

    def begin(self):
        return self._transaction(self._db.begin)

    def single(self):
        return self._transaction(self._db.single)


class Process:
    """Executes messages; what happens before the n-th agent is called is the test's to say."""

    def __init__(self, db, limits: Limits = PATIENT, **options) -> None:
        self.db = Breaking(db)
        self.stops: dict[RunMessage, Stop] = {}
        self.watched: set[RunMessage] = set()
        self.asked: list[Effects] = []
        self.called = 0
        self.before: dict[int, Callable[[], object]] = {}
        self.executor = Executor(
            self.db, SETTINGS, worker="w", watch=self, perform=self.asked.append, limits=limits, **options
        )

    def begin(self, message: RunMessage, stop: Stop) -> None:
        self.watched.add(message)
        self.stops[message] = stop

    def end(self, message: RunMessage) -> None:
        self.watched.discard(message)

    def execute(self, *messages: RunMessage):
        return self.executor.execute(messages)

    def flush(self) -> None:
        self.executor.completions.flush()

    def reached(self, point: Point, *_: object) -> None:
        if point is Point.RUN_STARTED:
            self.called += 1
            self.before.get(self.called, lambda: None)()
