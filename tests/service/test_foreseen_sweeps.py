"""A ticker that remembers when the next run may get stuck finds the same as one that looks at all of them."""

from contextlib import suppress
from random import Random

import pytest

from casework.core.effects import RunMessage
from casework.errors import Conflict
from casework.service import agents, release, runs
from casework.service.sweep import sweep
from casework.service.ticker import Ticker
from casework.store import runs as run_store
from casework.store import transitions
from casework.store.stuck import FORESEEN_SECONDS, Lookout, Stuck
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, claim, running, some_cases, start, worked_queue

BRIEF = SETTINGS.model_copy(update={"interrupt_grace_seconds": 4.0})
LIMITS = {"lease": 30.0, "resend": 15.0, "timeout": 0.0}


def look(db, clock, lookout=None):
    """What is stuck."""
    lookout, now = lookout or Lookout(), clock.now.timestamp()
    with db.begin() as tx:
        rows = tx.sql(*lookout.looking(now, **LIMITS))
    return [(run.fence.run_id, run.why) for run in lookout.found(now, rows)]


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
    life, lookout, seen = Life(db, clock, Random(seed)), Lookout(), set()
    for _ in range(60):
        life.goes_on()
        expected = look(db, clock)
        assert look(db, clock, lookout) == expected
        seen |= {why for _, why in expected}
    assert seen


def test_notices_a_shorter_time_limit_after_a_few_seconds(db, clock):
    queue, agent = worked_queue(db)
    _, fence = running(db, queue)
    clock.forward(10)
    lookout = Lookout()
    assert look(db, clock, lookout) == []
    agents.update(db, SETTINGS, TEAM, agent.id, timeout_seconds=5.0)
    clock.forward(FORESEEN_SECONDS + 0.1)
    assert look(db, clock, lookout) == [(fence.run_id, Stuck.TIMED_OUT)]


@pytest.mark.parametrize("short", [{"lease": 2.0}, {"resend": 2.0}, {"timeout": 2.0}, {}])
def test_foresees_no_longer_than_the_shortest_of_its_times(db, clock, short):
    limits, lookout, now = LIMITS | short, Lookout(), clock.now.timestamp()
    every, _ = lookout.looking(now, **limits)
    with db.begin() as tx:
        lookout.found(now, tx.sql(*lookout.looking(now, **limits)))
    least = 2.0 if short else FORESEEN_SECONDS
    assert lookout.looking(now + least - 0.1, **limits)[0] != every
    assert lookout.looking(now + least, **limits)[0] == every


def test_a_lost_run_is_found_in_the_same_tick_by_a_ticker_that_remembers(db, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    ticker, lost = Ticker(), []
    for _ in range(32):
        clock.forward(1)
        lost.append(sweep(db, SETTINGS, ticker).value[Stuck.LOST])
    assert lost == [0] * 29 + [1, 0, 0]
