"""Several tickers serve the same consumers."""

from datetime import timedelta

from casework.core.effects import ANYWHERE, News
from casework.service import dispatch
from casework.service.ticker import Fleet, Ticker
from casework.store import processes
from factories import SETTINGS, a_consumer, a_queue, locked, some_cases, the_run, worked_queue


def claimed(db, ticker, news):
    done = list(dispatch.tick(db, SETTINGS, ticker, news=news, sweeping=False))
    return [message for one in done for message in one.effects.runs]


def with_worker(db):
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(hours=1), processes.Report(slots=1))
    return Ticker("t", Fleet(SETTINGS))


def test_whoever_another_tick_serves_is_not_forgotten_at_once(committed):
    """Otherwise a slot would go to the queue that a nudge is about, whoever's turn it is."""
    flooded, agent = worked_queue(committed)
    other = a_queue(committed, "other")
    a_consumer(committed, other, agent)
    ticker = with_worker(committed)
    ticker.fleet.shares.charge((flooded.id, agent.id), 10.0)
    some_cases(committed, flooded, 5)
    (elsewhere,) = some_cases(committed, other)
    with committed.begin() as another_tick:
        assert len(locked(another_tick)) == 2
        assert claimed(committed, ticker, ANYWHERE) == []
    (message,) = claimed(committed, ticker, News(frozenset({flooded.id})))
    assert the_run(committed, message).case_id == elsewhere


def test_a_consumer_that_can_never_be_locked_is_forgotten(committed):
    queue, _ = worked_queue(committed)
    some_cases(committed, queue)
    ticker = with_worker(committed)
    with committed.begin() as another_tick:
        assert len(locked(another_tick)) == 1
        assert claimed(committed, ticker, ANYWHERE) == []
        assert ticker.backlog
        for _ in range(ticker.patience):
            assert claimed(committed, ticker, News()) == []
    assert not ticker.backlog
