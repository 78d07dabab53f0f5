"""Whoever creates cases claims them at once, if workers have room: a tick of one round, without the way to a ticker.

It is the ticker's round, with its statements and locks. Whatever is in its way, and all that comes in quick succession, is left
to the tickers: they claim many cases for the price of a few, and share out what several queues want.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic

from casework import events
from casework.core.capacity import Pair
from casework.core.effects import Effects, News
from casework.core.model import QueueId
from casework.errors import Unavailable
from casework.service.dispatch import tick
from casework.service.ticker import Fleet, Ticker
from casework.settings import Settings
from casework.store.connection import PLANS_KEPT_SECONDS
from casework.store.database import Database


@dataclass(frozen=True, slots=True)
class Limits:
    """What is left to the tickers."""

    quiet: float = 0.01
    """What follows something else within so many seconds: tickers take a breath that long between claims."""
    pause: float = 0.1
    """For so many seconds after no slot was free, everything. When workers are busy, cases wait in several queues for the
    next slot, and only tickers know whose turn it is."""
    cases: int = 5
    """More cases than this that become ready together. They are claimed in bundles."""
    claimed: int = 10
    """More claims of a consumer than this, if older cases wait too. A claim of one case that may take a hundred draws a hundred
    ids: that takes a fifth of it."""
    plans: float = PLANS_KEPT_SECONDS / 2
    """Not left to them: how long plans of statements are kept, in seconds."""


MOST_QUEUES = 1000
"""How many queues' consumers are remembered."""


class ClaimsAtOnce:
    """Claims in a thread of its own, for one process, and one at a time: nobody who creates a case waits for it."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        perform: Callable[[Effects], object],
        limits: Limits = Limits(),
    ) -> None:
        self._db, self._settings, self._perform, self._limits = db, settings, perform, limits
        self._ticker = Ticker(fleet=Fleet(settings), patience=0)
        self._consumers: dict[QueueId, Collection[Pair]] = {}
        self._recent: frozenset[QueueId] = frozenset()
        self._asked = self._paused = self._planned = float("-inf")
        self._work: SimpleQueue[Effects] = SimpleQueue()
        self._free = Lock()
        self._finished = False
        self._thread: Thread | None = None

    def takes(self, effects: Effects) -> bool:
        """Whether it claims the cases that became ready, or else asks for a tick as the effects do. It does not wait for that."""
        now, limits = monotonic(), self._limits
        quiet, self._asked = now >= self._asked + limits.quiet, now
        if not (quiet and now >= self._paused + limits.pause and 0 < effects.ready <= limits.cases):
            return False
        if not self._begin():
            return False
        try:
            self._start()
        except RuntimeError:
            # There can be no more threads.
            self._free.release()
            return False
        self._work.put(effects)
        return True

    def finish(self, seconds: float = 5.0) -> None:
        """Wait until the claim that is being made is sent, and make no other. It may be called again."""
        self._finished = True
        if self._free.acquire(timeout=seconds):
            self._free.release()

    def _begin(self) -> bool:
        """Whether a claim may be made now. `finish` waits for what begins before it, and nothing begins after it."""
        if not self._free.acquire(blocking=False):
            return False
        if self._finished:
            self._free.release()
            return False
        return True

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = Thread(target=self._keep_claiming, name="casework-claims", daemon=True)
            thread.start()
            self._thread = thread

    def _keep_claiming(self) -> None:
        while True:
            effects = self._next()
            try:
                self._claim_or_leave(effects)
            except Exception as error:
                _tell(error)
            finally:
                self._free.release()

    def _claim_or_leave(self, effects: Effects) -> None:
        """What could not be claimed is left to tickers."""
        claimed = 0
        try:
            claimed = self._claim(effects.queues)
        except Exception as error:
            _tell(error)
        # What was locked all the same waits for a slot. Where nothing was, nobody waits, or a tick is at it.
        if not claimed and self._ticker.backlog:
            self._paused = monotonic()
        # What waits for a limit needs a ticker that wakes for it.
        if claimed < effects.ready or self._ticker.limited:
            self._perform(effects)

    def _next(self) -> Effects:
        """What is to be claimed next. Plans that would soon be given up are made again while nothing is: that takes longer than a
        claim."""
        try:
            return self._work.get(timeout=self._limits.quiet)
        except Empty:
            if self._recent and monotonic() >= self._planned + self._limits.plans and self._begin():
                try:
                    self._plan_again()
                except Exception as error:
                    _tell(error)
                finally:
                    self._free.release()
        return self._work.get()

    def _plan_again(self) -> None:
        self._planned = monotonic()
        self._db.plan_again()
        self._claim(self._recent)

    def _claim(self, queues: frozenset[QueueId]) -> int:
        """One round for the consumers of these queues, by what is known of them: a consumer that had something to claim is
        locked and counted in one round trip."""
        ticker, self._recent = self._ticker, queues
        ticker.backlog = {pair: 0 for queue in queues for pair in self._consumers.get(queue, ())}
        claimed = 0
        news, most = News(queues), self._limits.claimed
        for done in tick(self._db, self._settings, ticker, news=news, sweeping=False, seconds=0, most=most):
            self._perform(done.effects)
            claimed += done.value.claimed
        if len(self._consumers) >= MOST_QUEUES:
            self._consumers.clear()
        for queue in queues:
            self._consumers[queue] = [pair for pair in ticker.backlog if pair[0] == queue]
        return claimed


def _tell(error: Exception) -> None:
    """An error does not end the thread: what it is asked for meanwhile would wait for the next beat."""
    events.emit(events.TickFailed(str(error) if isinstance(error, Unavailable) else repr(error)))
