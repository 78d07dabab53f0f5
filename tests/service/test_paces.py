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


def test_a_pace_is_what_nine_in_ten_runs_do_not_exceed(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 19, 0.02)
    end_some(db, clock, queue, 1, 5)
    with db.begin() as tx:
        assert 0.019 < runs.paces(tx, [agent.id], 3, 200)[agent.id] < 0.021
    end_some(db, clock, queue, 10, 5)
    with db.begin() as tx:
        assert runs.paces(tx, [agent.id], 3, 200)[agent.id] > 1


def test_too_few_runs_have_no_pace(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 9, 0.02)
    assert Paces().of(db, settings, [agent.id]) == {}


def test_a_pace_is_remembered(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    paces = Paces()
    first = paces.of(db, settings, [agent.id])
    end_some(db, clock, queue, 12, 5)
    assert paces.of(db, settings, [agent.id]) == first
    assert Paces().of(db, settings, [agent.id]) != first


def test_an_agent_with_a_single_attempt_has_no_pace(db, clock):
    """A worker that dies takes all along that share a message, and such a run would fail for another's fault."""
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    with db.begin() as tx:
        assert runs.paces(tx, [agent.id], 2, 200)
        assert runs.paces(tx, [agent.id], 1, 200) == {}
        tx.sql("update agents set max_attempts = 1 where id = %(id)s", {"id": agent.id})
        assert runs.paces(tx, [agent.id], 3, 200) == {}


def test_runs_that_wait_do_not_hide_how_long_the_others_took(db, clock, settings):
    queue, agent = worked_queue(db, concurrency=None)
    end_some(db, clock, queue, 20, 0.02)
    some_cases(db, queue, settings.outstanding_runs)
    while claim(db):
        pass
    assert Paces().of(db, settings, [agent.id])
