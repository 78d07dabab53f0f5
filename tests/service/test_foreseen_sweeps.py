"""A ticker that remembers when the next run may get stuck finds the same as one that looks at all of them."""

from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest

from casework.core.effects import RunMessage
from casework.errors import Conflict
from casework.service import agents, release, runs
from casework.service.sweep import sweep
from casework.service.ticker import Ticker
from casework.store import runs as run_store
from casework.store import stuck, transitions
from casework.store.stuck import UNKNOWN, Stuck
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, claim, running, some_cases, start, worked_queue

BRIEF = SETTINGS.model_copy(update={"interrupt_grace_seconds": 4.0})
LIMITS = {"lease": 30.0, "resend": 15.0, "timeout": 0.0}


def look(db, outlook=UNKNOWN, **limits):
    """What is stuck, and the outlook."""
    with db.begin() as tx:
        rows = tx.sql(*stuck.looking(**{**LIMITS, **limits}, outlook=outlook))
    return [(run.fence.run_id, run.why) for run in stuck.found(rows)], stuck.outlook(rows)


class Life:
    """Runs of two agents, one with a time limit, to which anything happens."""

    def __init__(self, db, clock, random):
        self.db, self.clock, self.random = db, clock, random
        self.queue = a_queue(db)
        for name, limit in (("patient", None), ("hasty", random.choice([3.0, 20.0]))):
            a_consumer(db, self.queue, an_agent(db, name, timeout_seconds=limit))
        self.sent, self.begun = [], []

    def claims(self):
        some_cases(self.db, self.queue, 2)
        self.sent += claim(self.db)

    def starts(self):
        if self.sent:
            message = self.sent.pop(self.random.randrange(len(self.sent)))
            if fence := start(self.db, message, "w"):
                self.begun.append(fence)

    def beats(self):
        living = self.random.sample(self.begun, k=len(self.begun) // 2)
        with self.db.begin() as tx:
            run_store.heartbeat(tx, [RunMessage(fence.run_id, fence.attempt) for fence in living])

    def fails(self):
        with self.db.begin() as tx:
            if self.begun:
                transitions.try_again(tx, self.begun.pop(), 0.0, "away", None)

    def is_stopped(self):
        if not self.begun:
            return
        with suppress(Conflict):
            runs.stop(self.db, BRIEF, TEAM, self.random.choice(self.begun).run_id)

    def is_asked_to_release(self):
        release.ask_to_release(self.db, "w", 2.0)

    def is_swept(self):
        sweep(self.db, BRIEF)

    def goes_on(self):
        usual = [self.claims, self.starts, self.starts, self.beats, self.fails]
        self.random.choice([*usual, *usual, self.is_stopped, self.is_asked_to_release, self.is_swept])()
        self.clock.forward(self.random.choice([0.0, 0.5, 1.0, 2.0, 7.0]))


@pytest.mark.parametrize("seed", range(6))
def test_a_look_that_remembers_finds_what_a_look_at_all_finds(db, clock, seed):
    life, outlook, seen = Life(db, clock, Random(seed)), UNKNOWN, set()
    for _ in range(60):
        life.goes_on()
        expected, _ = look(db)
        found, outlook = look(db, outlook)
        assert found == expected
        seen |= {why for _, why in found}
    assert seen


def test_notices_a_shorter_time_limit_after_a_few_seconds(db, clock):
    _, agent = worked_queue(db)
    queue = a_queue(db, "another")
    a_consumer(db, queue, agent)
    _, fence = running(db, queue)
    clock.forward(10)
    found, outlook = look(db)
    assert found == []
    agents.update(db, SETTINGS, TEAM, agent.id, timeout_seconds=5.0)
    clock.forward(stuck.FORESEEN.total_seconds() + 0.1)
    assert look(db, outlook)[0] == [(fence.run_id, Stuck.TIMED_OUT)]


@pytest.mark.parametrize("short", ["lease", "resend", "timeout"])
def test_foresees_no_longer_than_the_shortest_of_its_times(db, clock, short):
    worked_queue(db)
    _, outlook = look(db, **{short: 2.0})
    assert outlook.until - outlook.since == timedelta(seconds=2)


def test_looks_at_all_again_if_the_clock_was_set_back(db, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    clock.forward(100)
    later = stuck.Outlook(clock.now + timedelta(hours=1), clock.now + timedelta(hours=2))
    assert [why for _, why in look(db, later)[0]] == [Stuck.LOST]


def test_a_lost_run_is_found_in_the_same_tick_by_a_ticker_that_remembers(db, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    ticker, lost = Ticker(), []
    for _ in range(32):
        clock.forward(1)
        lost.append(sweep(db, SETTINGS, ticker).value[Stuck.LOST])
    assert lost == [0] * 29 + [1, 0, 0]
