"""How long runs take, as the tick asks for it."""

from casework.service.paces import Paces
from casework.store import runs, transitions
from factories import claim, some_cases, start, worked_queue


def end_some(db, clock, queue, count, seconds):
    some_cases(db, queue, count)
    for message in claim(db):
        fence = start(db, message)
        clock.forward(seconds)
        with db.begin() as tx:
            assert transitions.complete(tx, fence, None)


def pace(db, agent, *, max_attempts=3):
    with db.begin() as tx:
        return runs.paces(tx, [agent.id], longest=0.1, max_attempts=max_attempts, outstanding=200).get(agent.id)


def test_averages_nine_in_ten_runs_if_they_are_short(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.01)
    end_some(db, clock, queue, 6, 0.04)
    end_some(db, clock, queue, 1, 5)
    assert 0.019 < pace(db, agent) < 0.021
    end_some(db, clock, queue, 10, 5)
    assert pace(db, agent) is None


def test_estimates_no_pace_of_too_few_runs(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 9, 0.02)
    assert Paces().of(db, settings, [agent.id]) == {}


def test_remembers_a_pace(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    paces = Paces()
    first = paces.of(db, settings, [agent.id])
    end_some(db, clock, queue, 12, 5)
    assert paces.of(db, settings, [agent.id]) == first
    assert Paces().of(db, settings, [agent.id]) != first


def test_estimates_no_pace_of_an_agent_with_a_single_attempt(db, clock):
    """A worker that dies takes all along that share a message, and such a run would fail for another's fault."""
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    assert pace(db, agent, max_attempts=2)
    assert pace(db, agent, max_attempts=1) is None
    with db.begin() as tx:
        tx.sql("update agents set max_attempts = 1 where id = %(id)s", {"id": agent.id})
    assert pace(db, agent) is None


def test_estimates_a_pace_beside_runs_that_wait(db, clock, settings):
    queue, agent = worked_queue(db, concurrency=None)
    end_some(db, clock, queue, 20, 0.02)
    some_cases(db, queue, settings.outstanding_runs)
    while claim(db):
        pass
    assert Paces().of(db, settings, [agent.id])
