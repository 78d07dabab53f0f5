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
        assert 0.019 < runs.paces(tx, [agent.id])[agent.id] < 0.021
    end_some(db, clock, queue, 10, 5)
    with db.begin() as tx:
        assert runs.paces(tx, [agent.id])[agent.id] > 1


def test_too_few_runs_have_no_pace(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 9, 0.02)
    assert Paces().of(db, [agent.id]) == {}


def test_a_pace_is_remembered(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    paces = Paces()
    first = paces.of(db, [agent.id])
    end_some(db, clock, queue, 12, 5)
    assert paces.of(db, [agent.id]) == first
    assert Paces().of(db, [agent.id]) != first
