"""How long runs take, as the tick asks for it."""

from casework.service.durations import RunDurations
from casework.store import runs, transitions
from factories import claim, some_cases, start, worked_queue


def end_some(db, clock, queue, count, seconds):
    some_cases(db, queue, count)
    for message in claim(db):
        fence = start(db, message)
        clock.forward(seconds)
        with db.begin() as tx:
            assert transitions.complete(tx, fence, None)


def seconds(db, agent, *, max_attempts=3):
    with db.begin() as tx:
        return runs.durations(tx, [agent.id], longest=0.1, max_attempts=max_attempts, outstanding=200).get(agent.id)


def test_duration_is_the_mean_of_nine_in_ten_as_long_as_those_are_short(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.01)
    end_some(db, clock, queue, 6, 0.04)
    end_some(db, clock, queue, 1, 5)
    assert 0.019 < seconds(db, agent) < 0.021
    end_some(db, clock, queue, 10, 5)
    assert seconds(db, agent) is None


def test_too_few_runs_have_no_known_duration(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 9, 0.02)
    assert RunDurations().of(db, settings, [agent.id]) == {}


def test_duration_is_remembered(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    durations = RunDurations()
    first = durations.of(db, settings, [agent.id])
    end_some(db, clock, queue, 12, 5)
    assert durations.of(db, settings, [agent.id]) == first
    assert RunDurations().of(db, settings, [agent.id]) != first


def test_an_agent_with_a_single_attempt_has_no_pace(db, clock):
    """A worker that dies takes all along that share a message, and such a run would fail for another's fault."""
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    assert seconds(db, agent, max_attempts=2)
    assert seconds(db, agent, max_attempts=1) is None
    with db.begin() as tx:
        tx.sql("update agents set max_attempts = 1 where id = %(id)s", {"id": agent.id})
    assert seconds(db, agent) is None


def test_runs_that_wait_do_not_hide_how_long_the_others_took(db, clock, settings):
    queue, agent = worked_queue(db, concurrency=None)
    end_some(db, clock, queue, 20, 0.02)
    some_cases(db, queue, settings.outstanding_runs)
    while claim(db):
        pass
    assert RunDurations().of(db, settings, [agent.id])
