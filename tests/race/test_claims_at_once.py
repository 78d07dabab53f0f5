"""Whoever creates cases claims them at once: with ticks beside it, and with somebody in its way."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from waiting import Halted, Rival, wait_until_blocked

from asking import ask
from casework.core.effects import to_claim
from casework.core.lifecycle import RunStatus
from casework.core.model import NewCase, QueueMode
from casework.core.requests import Request
from casework.errors import DatabaseUnavailable
from casework.service import cases, crash_points, dispatch, queues, requests
from casework.service.at_once import ClaimsAtOnce, Limits
from casework.service.crash_points import Point
from casework.service.ticker import Fleet, Ticker
from casework.store import processes
from casework.wiring import Casework
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, some_cases, the_run, worked_queue
from patience import wait_for
from seams import Noting, Through


def report(db, slots=4):
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(seconds=30), processes.Report(slots))


class Creator:
    """A process that creates cases, and what it sends."""

    def __init__(self, db, *, through=None, **limits):
        self.db, self.sent = db, []
        self.claims = ClaimsAtOnce(through or db, SETTINGS, self.sent.append, Limits(**limits))

    def create(self, queue, count=1):
        """Whether its own claim takes the cases."""
        ids = some_cases(self.db, queue, count)
        return self.claims.takes(to_claim(queue.id, len(ids)))

    @property
    def runs(self):
        """The runs that it sent, after its claim has ended."""
        self.claims.finish()
        return [run for effects in self.sent for run in effects.runs]

    @property
    def nudges(self):
        """The queues that it asked ticks for, after its claim has ended."""
        self.claims.finish()
        return [queue for effects in self.sent if effects.nudge for queue in effects.queues]


@pytest.fixture
def creator(committed):
    return Creator(committed, quiet=0.0)


def tick(db):
    """The runs that a ticker without memory sends."""
    done = dispatch.tick(db, SETTINGS, Ticker(fleet=Fleet(SETTINGS)), sweeping=False)
    return [run for one in done for run in one.effects.runs]


def test_what_is_created_is_claimed_and_sent_if_a_slot_is_free(committed, creator):
    queue, _ = worked_queue(committed)
    report(committed)
    assert creator.create(queue)
    assert (len(creator.runs), creator.nudges) == (1, [])
    assert tick(committed) == []


def test_an_answered_case_goes_on_at_once(committed, creator):
    case_id, (request,) = ask(committed, Request(title="?"))
    report(committed)
    assert creator.claims.takes(requests.answer(committed, TEAM, request, "yes").effects)
    (run,) = creator.runs
    assert (the_run(committed, run).case_id, run.attempt, creator.nudges) == (case_id, 2, [])


def test_an_older_case_of_the_queue_is_not_overtaken(committed, creator):
    queue, _ = worked_queue(committed)
    (older,) = some_cases(committed, queue)
    report(committed, slots=1)
    creator.create(queue)
    (run,) = creator.runs
    with committed.begin() as tx:
        assert tx.sql("select case_id from runs where id = %(id)s", {"id": run.run_id}).scalar_one() == older


def test_plans_are_made_again_while_nothing_is_to_be_claimed(committed):
    queue, _ = worked_queue(committed)
    report(committed)
    statements = []
    creator = Creator(committed, through=Through(committed, lambda tx: Noting(tx, statements)), plans=0.0)

    def claims():
        return sum("with pick as" in statement for statement, _ in statements)

    assert creator.create(queue)
    wait_for(lambda: claims() == 2, "the round that plans")
    assert (len(creator.runs), creator.nudges) == (1, [])


def no_worker(db):
    return worked_queue(db)[0]


def busy_workers(db):
    queue, _ = worked_queue(db)
    report(db, slots=1)
    some_cases(db, queue)
    assert len(tick(db)) == 1
    return queue


def a_consumer_at_its_limit(db):
    queue, _ = worked_queue(db, concurrency=1)
    report(db)
    some_cases(db, queue)
    assert len(tick(db)) == 1
    return queue


def a_paused_queue(db):
    queue, _ = worked_queue(db)
    report(db)
    queues.set_mode(db, TEAM, queue.id, QueueMode.PAUSED)
    return queue


def test_while_no_slot_is_free_all_is_left_to_ticks(committed):
    creator = Creator(committed, quiet=0.0, pause=60.0)
    queue = busy_workers(committed)
    assert creator.create(queue)
    wait_for(lambda: creator.sent, "the nudge")
    assert not creator.create(queue)


def test_a_queue_without_agents_does_not_hold_up_others(committed):
    creator = Creator(committed, quiet=0.0, pause=60.0)
    queue, _ = worked_queue(committed)
    report(committed)
    assert creator.create(a_queue(committed, "inbox of people"))
    wait_for(lambda: creator.sent, "the nudge")
    wait_for(lambda: creator.create(queue), "the claim's end")
    assert len(creator.runs) > 0


@pytest.mark.parametrize("hindered", [no_worker, busy_workers, a_consumer_at_its_limit, a_paused_queue])
def test_what_cannot_be_claimed_asks_for_a_tick(committed, creator, hindered):
    queue = hindered(committed)
    assert creator.create(queue)
    assert (creator.runs, creator.nudges) == ([], [queue.id])


def test_many_cases_and_quick_successions_are_left_to_ticks(committed):
    creator = Creator(committed, quiet=60.0, cases=3)
    queue, _ = worked_queue(committed)
    report(committed)
    assert not creator.create(queue, 4)
    assert not creator.create(queue)
    assert creator.runs == []


def test_who_creates_does_not_wait_for_the_claim(committed):
    queue, _ = worked_queue(committed)
    report(committed)
    sent = []

    class Publisher:
        perform = staticmethod(sent.append)
        close = staticmethod(lambda: None)

    casework = Casework(SETTINGS, committed, Publisher, committed)
    with committed.begin() as tx:
        # Whoever claims reads it, and waits.
        tx.sql("lock table processes in access exclusive mode")
        for number in range(2):
            done = Rival(lambda: casework.perform(cases.create(committed, queue.id, [NewCase("x")])))
            assert len(done.result()) == 1
            if not number:
                wait_until_blocked(committed, Rival(threading.Event().wait))
        # The one claims; the other found it at work.
        assert [effects.nudge for effects in sent] == [True]
    casework.claims_at_once.finish()
    assert sum(len(effects.runs) for effects in sent) == 1
    assert len(tick(committed)) == 1


def test_who_has_finished_finishes_again_at_once(committed, creator):
    queue, _ = worked_queue(committed)
    report(committed)
    creator.claims.finish()
    Rival(lambda: creator.claims.finish(seconds=60.0)).result()
    assert not creator.create(queue)


def test_a_consumer_that_a_tick_holds_is_left_to_it(committed, creator):
    queue, _ = worked_queue(committed)
    report(committed)
    some_cases(committed, queue)

    def act():
        assert creator.create(queue)
        assert (creator.runs, creator.nudges) == ([], [queue.id])

    halted = Halted(committed, act, before="with pick as")
    assert len(tick(halted)) == 1
    assert halted.happened
    assert len(tick(committed)) == 1


def test_a_tick_leaves_a_consumer_to_who_claims_at_once(committed):
    queue, _ = worked_queue(committed)
    report(committed)
    found = []
    halted = Halted(committed, lambda: found.append(tick(committed)), before="with pick as")
    creator = Creator(committed, through=halted)
    assert creator.create(queue)
    assert (len(creator.runs), found) == (1, [[]])


def test_nothing_is_claimed_twice_by_creators_and_ticks_at_once(committed):
    first, agent = worked_queue(committed, concurrency=30)
    second = a_queue(committed, "second")
    a_consumer(committed, second, an_agent(committed, "another"))
    report(committed, slots=50)
    creators, sent, errors = [Creator(committed, quiet=0.0, pause=0.0) for _ in range(3)], [], []
    barrier = threading.Barrier(5)

    def guarded(act):
        try:
            barrier.wait()
            for number in range(12):
                act(number)
        except BaseException as error:
            errors.append(error)

    acts = [lambda number, one=one: one.create((first, second)[number % 2]) for one in creators]
    acts += [lambda _: sent.extend(tick(committed))] * 2
    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    runs = Counter(sent + [run for one in creators for run in one.runs] + tick(committed))
    assert errors == []
    assert set(runs.values()) == {1}
    with committed.begin() as tx:
        rows = tx.sql("select queue_id, count(*) as n, count(distinct case_id) as cases from runs group by 1").all()
    assert {row.queue_id: (row.n, row.cases) for row in rows} == {first.id: (18, 18), second.id: (18, 18)}
    assert len(runs) == 36


def test_a_claim_that_dies_before_it_is_sent_is_sent_by_a_sweep(committed, creator):
    queue, _ = worked_queue(committed)
    report(committed)

    def die(point, *_):
        if point is Point.CLAIM_COMMITTED:
            raise DatabaseUnavailable("killed")

    crash_points.watch(die)
    try:
        assert creator.create(queue)
        assert creator.runs == []
    finally:
        crash_points.forget(die)
    with committed.begin() as tx:
        assert tx.sql("select status from runs").scalar_one() == RunStatus.PENDING
        tx.sql("update runs set sent_at = sent_at - interval '1 hour'")
    (resent,) = [one.effects.runs for one in dispatch.tick(committed, SETTINGS) if one.effects.runs]
    assert len(resent) == 1


def test_finishes_at_once_if_it_has_finished_and_claims_no_more(committed, creator):
    queue, _ = worked_queue(committed)
    report(committed)
    assert creator.create(queue)
    creator.claims.finish()
    # Rivals are waited for less long.
    Rival(lambda: creator.claims.finish(600)).result()
    assert not creator.create(queue)
    assert len(creator.runs) == 1


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), RuntimeError("unknown")])
def test_goes_on_after_an_error_of_its_claim_or_of_what_sends_it(committed, error):
    queue, _ = worked_queue(committed)
    report(committed)
    errors, sent = [error, error], []

    def perform(effects):
        if errors:
            raise errors.pop()
        sent.append(effects)

    claims = ClaimsAtOnce(committed, SETTINGS, perform, Limits(quiet=0.0, pause=0.0))
    assert claims.takes(to_claim(queue.id, len(some_cases(committed, queue))))
    wait_for(lambda: claims.takes(to_claim(queue.id, len(some_cases(committed, queue)))), "the thread to go on")
    claims.finish()
    assert errors == []
    assert [run for effects in sent for run in effects.runs] != []
