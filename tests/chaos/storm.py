"""One fault, injected again and again under load, and what came of it."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

from casework.core.model import DEFAULT_TEAM, NewCase
from casework.errors import Conflict, NotFound, Unavailable
from casework.service import cases, queues, requests
from chaos.agents import SECONDS
from chaos.callers import Caller
from chaos.count import count
from chaos.faults import FAULTS
from chaos.ground import BUNDLE_SECONDS, CONCURRENCY, Ground
from chaos.report import Report

CALLERS = 3
CALM_SECONDS = 10.0
SETTLING_SECONDS = 3.0
"""Between the beginning, or the last recovery, and a calm window."""
BETWEEN_SECONDS = 4.0
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Load:
    """What people keep the queue filled with, beside the callers' cases."""

    seconds: tuple[float, float]
    """How long a case takes, from and to."""
    backlog: int
    asking: float
    """The share of cases whose runs ask a person."""
    concurrency: int | None = CONCURRENCY
    bundle_seconds: float = BUNDLE_SECONDS


LOADS = {
    "mixed": Load(SECONDS, 150, 0.05),
    # So short that runs share messages, a caller's long one now and then among them.
    "short": Load((0.0, 0.002), 1000, 0.005),
    # A message for each run, and no slot that waits for its end: completions are carried to the next start.
    "alone": Load((0.0, 0.002), 1000, 0.005, concurrency=None, bundle_seconds=0),
}


RECOVERED = """
select exists (select from runs where claimed_at > %(mark)s and status = 'completed') as works,
  exists (select from runs where id || ' ' || attempt = any(%(held)s::text[]) and status = 'running') as stuck,
  exists (select from cases where id = any(%(made)s::uuid[]) and status = 'completed') as came
"""


class Storm:
    """A ground, people on it, and a watch over its invariants."""

    def __init__(
        self, fault: str, seed: int, load: Load, calm_seconds: float = CALM_SECONDS, log: Path | None = None
    ) -> None:
        self.load, self.calm_seconds = load, calm_seconds
        self.chance = random.Random(seed)
        self.fault = FAULTS[fault]
        self.report = Report(fault, self.fault.within, least_waiting=load.backlog)
        self.ground = Ground(
            clocks=self.fault.clocks,
            database_clock=self.fault.database_clock,
            concurrency=load.concurrency,
            bundle_seconds=load.bundle_seconds,
            log=log,
        )
        self.db = self.ground.casework.db
        self.ledger = self.ground.ledger
        self.least_waiting = self.load.backlog
        self.ending = threading.Event()
        self.adding = threading.Event()
        self.adding.set()

    def run(self, injections: int, note: Callable[[str], None]) -> Report:
        """Load, calm, faults, calm, and a count."""
        threads = [threading.Thread(target=self._again, args=(act, wait), daemon=True) for act, wait in self._lives()]
        callers = [threading.Thread(target=self._call, args=(seed,), daemon=True) for seed in range(CALLERS)]
        try:
            for thread in (*threads, *callers):
                thread.start()
            self.report.start = self._wait_for_the_first()
            if self.fault.starts:
                self.report.within += self.report.start
            self.report.before = self._calm()
            began, ended = monotonic(), self._ended()
            for number in range(1, injections + 1):
                note(f"{self.report.fault}: injection {number} of {injections}")
                self._inject()
            self.report.during = (self._ended() - ended) / (monotonic() - began)
            self.report.after = self._calm()
            self._count_restarts()
            note(f"{self.report.fault}: working off")
            self.adding.clear()
            self._join(callers)
            self._work_off()
        finally:
            self.ending.set()
            for thread in (*threads, *callers):
                thread.join(10)
            self.ground.close()
        return self.report

    def _lives(self) -> list[tuple[Callable[[], None], float]]:
        return [(self._feed, 0.1), (self._answer, 0.2), (self._meddle, 0.15), (self._look, 0.05)]

    def _call(self, seed: int) -> None:
        Caller(self.ground, self.ending, seed).live(self.adding)

    def _join(self, callers: list[threading.Thread]) -> None:
        """Until each has the answer that it waits for."""
        end = monotonic() + PATIENCE_SECONDS
        while any(caller.is_alive() for caller in callers) and monotonic() < end:
            self.ground.watch()
            sleep(0.1)

    def _again(self, act: Callable[[], None], wait: float) -> None:
        while not self.ending.is_set():
            try:
                act()
            except (Unavailable, Conflict, NotFound):
                pass
            except Exception as error:
                self.ledger.mistakes.append(f"{act.__name__}: {error!r}")
            sleep(wait)

    def _feed(self) -> None:
        queue = self.ground.queue.id
        counted = queues.stats(self.db, DEFAULT_TEAM, queue).cases
        self.least_waiting = min(self.least_waiting, counted["pending"])
        missing = self.load.backlog - counted["pending"]
        if missing > 0 and self.adding.is_set():
            new = [
                NewCase(
                    "case",
                    {
                        "seconds": self.chance.uniform(*self.load.seconds),
                        "asks": self.chance.random() < self.load.asking,
                    },
                )
                for _ in range(missing)
            ]
            added = cases.create(self.db, queue, new)
            self.ledger.accept(str(queue), [str(id) for id in added.value])
            self.ground.casework.perform(added)

    def _answer(self) -> None:
        for request in requests.find(self.db, DEFAULT_TEAM):
            self.ground.casework.perform(requests.answer(self.db, DEFAULT_TEAM, request.id, "yes"))

    def _meddle(self) -> None:
        """People retry, delegate and delete, now one and now another."""
        there = self.ledger.there[-400:]
        if not self.adding.is_set() or len(there) < 2:
            return
        some = self.chance.sample(there, 2)
        db, settings, queue = self.db, self.ground.casework.settings, self.ground.queue.id
        ids = [UUID(id) for id in some]
        action = self.chance.choice(("retry", "delegate", "delete"))
        if action == "retry":
            done = cases.retry(db, settings, queue, ids)
        elif action == "delegate":
            done = cases.delegate(db, settings, queue, ids, self.ground.chosen)
        else:
            self.ledger.deleted |= set(some[:1])
            done = cases.delete(db, settings, queue, ids[:1])
        self.ground.casework.perform(done)

    def _look(self) -> None:
        with self.db.begin() as tx:
            used = tx.sql(
                "select coalesce(max(n), 0) from (select count(*) as n from runs where holds_slot group by queue_id, agent_id) u"
            ).scalar_one()
        self.report.cap_exceeded += self.load.concurrency is not None and used > self.load.concurrency

    def _ended(self) -> int:
        while True:
            with suppress(Unavailable), self.db.begin() as tx:
                return int(tx.sql("select count(*) from runs where status = 'completed'").scalar_one())
            sleep(0.05)

    def _calm(self) -> float:
        """The rate of a calm window, in which there is always a case that waits."""
        self._watch_until(monotonic() + min(SETTLING_SECONDS, self.calm_seconds))
        self.least_waiting = self.load.backlog
        before, began = self._ended(), monotonic()
        self._watch_until(began + self.calm_seconds)
        rate = (self._ended() - before) / (monotonic() - began)
        self.report.least_waiting = min(self.report.least_waiting, self.least_waiting)
        return rate

    def _watch_until(self, end: float) -> None:
        while monotonic() < end:
            self.ground.watch()
            sleep(0.05)

    def _count_restarts(self) -> None:
        self.report.restarts = dict(self.ground.restarts)
        unasked = self.ground.restarts - self.ground.killed
        if self.fault.ends_workers:
            unasked = Counter({name: count for name, count in unasked.items() if not name.startswith("worker")})
        self.report.unasked_restarts = dict(unasked)

    def _wait_for_the_first(self) -> float:
        """How long the processes took to start and to begin."""
        began = monotonic()
        while self._ended() < 20 or not self.ledger.at:
            if monotonic() > began + PATIENCE_SECONDS:
                raise TimeoutError("the processes did not begin to work")
            self.ground.watch()
            sleep(0.1)
        return monotonic() - began

    def _inject(self) -> None:
        began = monotonic()
        held = self._running()
        # In this thread: a server dies with the thread that started it.
        began = self.fault.inject(self.ground, self.chance) or began
        injected = monotonic()
        self.report.injections += 1
        self._wait_for_recovery(held, began, injected)
        self.report.recoveries.append(monotonic() - began)
        self._watch_until(began + BETWEEN_SECONDS)

    def _running(self) -> list[str]:
        with self.db.begin() as tx:
            return [
                f"{row.id} {row.attempt}"
                for row in tx.sql("select id, attempt from runs where holds_slot and status = 'running'")
            ]

    def _wait_for_recovery(self, held: list[str], began: float, injected: float) -> None:
        """Until what was running at the injection has gone on, and a case that was claimed since has been worked."""
        mark = None
        while monotonic() < began + PATIENCE_SECONDS:
            self.ground.watch()
            with suppress(Unavailable), self.db.begin() as tx:
                mark = mark or tx.sql("select clock_timestamp()").scalar_one()
                made = self.ledger.made_since(injected)
                row = tx.sql(RECOVERED, {"mark": mark, "held": held, "made": made}).one()
                if row.works and not row.stuck and (row.came or not self.fault.through_api):
                    return
            sleep(0.02)

    def _living(self) -> bool:
        with self.db.begin() as tx:
            return bool(tx.sql("select exists (select from runs where live)").scalar_one())

    def _work_off(self) -> None:
        end = monotonic() + PATIENCE_SECONDS
        while monotonic() < end:
            self.ground.watch()
            with suppress(Unavailable):
                stats = queues.stats(self.db, DEFAULT_TEAM, self.ground.queue.id)
                if stats.cases["completed"] + stats.cases["failed"] == sum(stats.cases.values()) and not self._living():
                    break
            sleep(0.1)
        count(self.db, self.ledger, self.report)
