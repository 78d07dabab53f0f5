"""One attempt of a run: what its start returned, what its agent returned, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any

from casework.agents import Complete, HeldCase
from casework.agents.results import Result, Returned, Unable
from casework.agents.stop import Stop
from casework.core.effects import Bundle, RunMessage
from casework.core.model import RunId
from casework.service.holding import Holder, held_case, holder
from casework.settings import Settings
from casework.store import transitions
from casework.store.database import Database
from casework.store.transitions import Completion, Fence


class RunResult(StrEnum):
    """The result of a run in a message. `leaves_work` says whether there may be something to claim now."""

    COMPLETED = "completed"
    FAILED = "failed"
    POSTPONED = "postponed"
    NEEDS_INPUT = "needs_input"
    HANDED_OVER = "handed_over"
    ATTEMPT_FAILED = "attempt_failed"
    RELEASED = "released"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    REFUSED = "refused"
    NOT_WRITTEN = "not written"
    NOT_STARTED = "not started"

    @property
    def leaves_work(self) -> bool:
        return self not in (RunResult.COMPLETED, RunResult.FAILED, RunResult.POSTPONED, RunResult.NEEDS_INPUT)


@dataclass(slots=True, eq=False)
class Attempt:
    """A started run on its way to its outcome. `began` and `ended` are instants of this process's monotonic clock."""

    holder: Holder
    case: HeldCase
    agent_name: str
    kind: str
    target: str
    limited: bool
    """Whether its end frees a slot of a consumer."""
    message: RunMessage
    keeps_steps: bool = False
    """Whether it has yet to get the steps of the run before, as a person's retry asked."""
    stop: Stop = field(default_factory=Stop)
    result: Result | Unable | None = None
    began: float | None = None
    ended: float | None = None
    watched: bool = False
    """Whether it gets heartbeats."""
    maybe_written: bool = False
    """Whether an earlier try to write its outcome ended without an answer from the database."""

    @property
    def fence(self) -> Fence:
        return self.holder.fence

    @property
    def seconds(self) -> float:
        """How long its agent took, so far as it was called."""
        return (self.ended or 0.0) - (self.began or self.ended or 0.0)

    @property
    def is_complete(self) -> bool:
        return isinstance(self.result, Returned) and isinstance(self.result.outcome, Complete)

    def completion(self, clock: Callable[[], float] = monotonic) -> Completion:
        """The completion to write, with times as seconds ago. Only this converts between the two clocks."""
        assert isinstance(self.result, Returned)
        now = clock()
        began = 0.0 if self.began is None else now - self.began
        ended = 0.0 if self.ended is None else now - self.ended
        return Completion(self.fence, self.result.outcome.reason, began, ended)


def start(db: Database, settings: Settings, bundle: Bundle, worker: str) -> Sequence[Attempt]:
    """Start the runs that are still pending, in the order of their ids, and skip those that were started before or interrupted."""
    with db.single() as tx:
        if len(bundle) == 1:
            only = transitions.start(tx, bundle[0], worker)
            return [started(only, settings)] if only else []
        rows = transitions.start_all(tx, bundle, worker)
    # As integers, because to compare ids costs as much as the rest of it.
    return [started(row, settings) for row in sorted(rows, key=lambda row: row.run_id.int)]


def started(row: Any, settings: Settings) -> Attempt:
    return Attempt(
        holder(row, settings),
        held_case(row),
        row.agent_name,
        row.kind,
        row.target or "",
        row.limited,
        RunMessage(RunId(row.run_id), row.attempt),
        row.keeps_steps,
    )
