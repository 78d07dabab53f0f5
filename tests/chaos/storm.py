"""One fault, injected again and again under load, and what came of it."""

import random
import statistics
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep

from casework.core.model import DEFAULT_TEAM, NewCase
from casework.errors import Conflict, Unavailable
from casework.service import cases, queues, requests
from chaos.faults import FAULTS
from chaos.ground import CONCURRENCY, Ground

BACKLOG = 150
CALM_SECONDS = 5.0
BETWEEN_SECONDS = 4.0
PATIENCE_SECONDS = 90.0


@dataclass
class Report:
    """The figures of one fault."""

    fault: str
    injections: int = 0
    cases: int = 0
    lost: int = 0
    doubled: int = 0
    cap_exceeded: int = 0
    refused: int = 0
    recoveries: list[float] = field(default_factory=list)
    before: float = 0.0
    during: float = 0.0
    after: float = 0.0

    @property
    def p50(self) -> float:
        """The median recovery, in seconds."""
        return statistics.median(self.recoveries) if self.recoveries else 0.0

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, no limit exceeded."""
        return not (self.lost or self.doubled or self.cap_exceeded)


class Storm:
    """A ground, people on it, and a watch over its invariants."""

    def __init__(self, fault: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.report = Report(fault)
        self.ground = Ground()
        self.db = self.ground.casework.db
        self.accepted: set[str] = set()
        self.deleted: set[str] = set()
        self.ending = threading.Event()
        self.adding = threading.Event()
        self.adding.set()

    def run(self, injections: int, note: Callable[[str], None]) -> Report:
        """Load, calm, faults, calm, and a count."""
        threads = [threading.Thread(target=self._again, args=(act, wait), daemon=True) for act, wait in self._lives()]
        try:
            for thread in threads:
                thread.start()
            self._wait_for_the_first()
            self.report.before = self._rate(CALM_SECONDS)
            began, ended = monotonic(), self._ended()
            for number in range(1, injections + 1):
                note(f"{self.report.fault}: injection {number} of {injections}")
                self._inject()
            self.report.during = (self._ended() - ended) / (monotonic() - began)
            self.report.after = self._rate(CALM_SECONDS)
            note(f"{self.report.fault}: working off")
            self.adding.clear()
            self._work_off()
        finally:
            self.ending.set()
            for thread in threads:
                thread.join(10)
            self.ground.close()
        return self.report

    def _lives(self) -> list[tuple[Callable[[], None], float]]:
        return [(self._feed, 0.1), (self._answer, 0.2), (self._meddle, 0.15), (self._look, 0.05)]

    def _again(self, act: Callable[[], None], wait: float) -> None:
        while not self.ending.is_set():
            with suppress(Unavailable, Conflict):
                act()
            sleep(wait)

    def _feed(self) -> None:
        counted = queues.stats(self.db, DEFAULT_TEAM, self.ground.queue.id).cases
        missing = BACKLOG - counted["pending"]
        if missing > 0 and self.adding.is_set():
            new = [
                NewCase("case", {"seconds": self.chance.uniform(0.02, 0.2), "asks": self.chance.random() < 0.05})
                for _ in range(missing)
            ]
            added = cases.create(self.db, self.ground.queue.id, new)
            self.accepted |= {str(id) for id in added.value}
            self.ground.casework.perform(added)

    def _answer(self) -> None:
        for request in requests.find(self.db, DEFAULT_TEAM):
            self.ground.casework.perform(requests.answer(self.db, DEFAULT_TEAM, request.id, "yes"))

    def _meddle(self) -> None:
        """People retry, delegate and delete, now one and now another."""
        if not self.adding.is_set() or not self.accepted - self.deleted:
            return
        some = self.chance.sample(sorted(self.accepted - self.deleted)[-400:], 2)
        db, settings, queue = self.db, self.ground.casework.settings, self.ground.queue.id
        ids = [cases.UUID(id) for id in some]
        chosen = next(one.agent_id for one in queues.consumers(db, DEFAULT_TEAM, queue) if one.agent_name == "chosen")
        action = self.chance.choice(("retry", "delegate", "delete"))
        if action == "retry":
            done = cases.retry(db, settings, queue, ids)
        elif action == "delegate":
            done = cases.delegate(db, settings, queue, ids, chosen)
        else:
            self.deleted |= set(some[:1])
            done = cases.delete(db, settings, queue, ids[:1])
        self.ground.casework.perform(done)

    def _look(self) -> None:
        with self.db.begin() as tx:
            used = tx.sql(
                "select coalesce(max(n), 0) from (select count(*) as n from runs where holds_slot group by agent_id) u"
            ).scalar_one()
        self.report.cap_exceeded += used > CONCURRENCY

    def _ended(self) -> int:
        while True:
            with suppress(Unavailable), self.db.begin() as tx:
                return int(tx.sql("select count(*) from runs where status = 'completed'").scalar_one())
            sleep(0.05)

    def _rate(self, seconds: float) -> float:
        before, began = self._ended(), monotonic()
        while monotonic() < began + seconds:
            self.ground.children.watch()
            sleep(0.1)
        return (self._ended() - before) / (monotonic() - began)

    def _wait_for_the_first(self) -> None:
        end = monotonic() + PATIENCE_SECONDS
        while self._ended() < 20:
            if monotonic() > end:
                raise SystemExit("the processes did not begin to work")
            self.ground.children.watch()
            sleep(0.1)

    def _inject(self) -> None:
        began = monotonic()
        held = self._running()
        # In this thread: a server dies with the thread that started it.
        FAULTS[self.report.fault](self.ground, self.chance)
        self.report.injections += 1
        self._wait_for_recovery(held, began)
        self.report.recoveries.append(monotonic() - began)
        while monotonic() < began + BETWEEN_SECONDS:
            self.ground.children.watch()
            sleep(0.05)

    def _running(self) -> list[str]:
        with self.db.begin() as tx:
            return [
                f"{row.id} {row.attempt}"
                for row in tx.sql("select id, attempt from runs where holds_slot and status = 'running'")
            ]

    def _wait_for_recovery(self, held: list[str], began: float) -> None:
        """Until what was running at the injection has gone on, and a case that was claimed since has been worked."""
        mark = None
        while monotonic() < began + PATIENCE_SECONDS:
            self.ground.children.watch()
            with suppress(Unavailable), self.db.begin() as tx:
                mark = mark or tx.sql("select clock_timestamp()").scalar_one()
                row = tx.sql(
                    "select exists (select from runs where claimed_at > %(mark)s and status = 'completed') as works, "
                    "exists (select from runs where id || ' ' || attempt = any(%(held)s::text[]) and status = 'running') as stuck",
                    {"mark": mark, "held": held},
                ).one()
                if row.works and not row.stuck:
                    return
            sleep(0.02)

    def _work_off(self) -> None:
        end = monotonic() + PATIENCE_SECONDS
        while monotonic() < end:
            self.ground.children.watch()
            with suppress(Unavailable):
                counted = queues.stats(self.db, DEFAULT_TEAM, self.ground.queue.id).cases
                if counted["completed"] + counted["failed"] == sum(counted.values()):
                    break
            sleep(0.1)
        self._count()

    def _count(self) -> None:
        report = self.report
        with self.db.begin() as tx:
            ended = {str(row.id) for row in tx.sql("select id from cases where status in ('completed', 'failed')")}
            report.cases = len(self.accepted)
            report.lost = len(self.accepted - self.deleted - ended)
            report.refused = tx.sql("select coalesce(sum(refused_writes), 0)::int from runs").scalar_one()
            # Between two completions of a case, a person has set it back.
            report.doubled = (
                tx.sql(
                    """
                select count(*) from (
                  select type, lag(type) over (partition by case_id order by id) as before from case_events
                  where type in ('completed', 'retried', 'delegated')
                ) e where type = 'completed' and before = 'completed'
                """
                ).scalar_one()
                + tx.sql(
                    "select count(*) from (select run_id from case_events where type = 'completed' group by 1 having count(*) > 1) d"
                ).scalar_one()
            )
