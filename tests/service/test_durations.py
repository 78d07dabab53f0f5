"""How long runs take, as the tick asks for it."""

from uuid import uuid4

from casework.service.durations import MOST_QUEUES, RunDurations
from casework.store import paces, transitions
from factories import a_consumer, a_queue, an_agent, claim, some_cases, start, worked_queue


def end_some(db, clock, queue, count, seconds):
    some_cases(db, queue, count)
    for message in claim(db):
        fence = start(db, message)
        clock.forward(seconds)
        with db.begin() as tx:
            assert transitions.complete(tx, fence, None)


def pace(db, queue, agent, *, max_attempts=3):
    with db.begin() as tx:
        return paces.paces(tx, [(queue.id, agent.id)], max_attempts=max_attempts).get(agent.id)


def measured(db, settings, queue, agent, durations=None):
    durations = durations or RunDurations()
    durations.measure(db, settings, [(queue.id, agent.id)])
    return durations.short(0.1, [agent.id]).get(agent.id), durations.mean.get(agent.id)


def test_pace_counts_the_usual_runs_apart_from_a_few_long_ones(db, clock):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.01)
    end_some(db, clock, queue, 6, 0.04)
    end_some(db, clock, queue, 1, 5)
    found = pace(db, queue, agent)
    assert 0.019 < found.usual < 0.021
    assert found.longest < 0.05
    assert 0.27 < found.mean < 0.29
    end_some(db, clock, queue, 10, 5)
    assert pace(db, queue, agent).longest > 4


def test_too_few_runs_have_no_known_duration(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 9, 0.02)
    assert measured(db, settings, queue, agent) == (None, None)


def test_duration_is_remembered(db, clock, settings):
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    durations = RunDurations()
    first = measured(db, settings, queue, agent, durations)
    end_some(db, clock, queue, 12, 5)
    assert measured(db, settings, queue, agent, durations) == first
    assert measured(db, settings, queue, agent) != first


def test_an_agent_with_a_single_attempt_shares_no_message(db, clock, settings):
    """A worker that dies takes all along that share a message, and such a run would fail for another's fault."""
    queue, agent = worked_queue(db)
    end_some(db, clock, queue, 12, 0.02)
    assert not pace(db, queue, agent, max_attempts=2).single
    assert pace(db, queue, agent, max_attempts=1).single
    with db.begin() as tx:
        tx.sql("update agents set max_attempts = 1 where id = %(id)s", {"id": agent.id})
    assert measured(db, settings, queue, agent)[0] is None


def test_runs_that_wait_do_not_hide_how_long_the_others_took(db, clock, settings):
    queue, agent = worked_queue(db, concurrency=None)
    end_some(db, clock, queue, 20, 0.02)
    some_cases(db, queue, 200)
    while claim(db):
        pass
    assert measured(db, settings, queue, agent)[0]


def ended(db, queue, agent, count, when, seconds):
    """So many runs that ended, of about that time."""
    with db.begin() as tx:
        tx.sql(
            "insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at, started_at, completed_at)"
            " select (%(when)s || substr(gen_random_uuid()::text, 3))::uuid, gen_random_uuid(), %(queue)s, %(agent)s, 'completed', 1,"
            " now(), now(), now(), now() - make_interval(secs => %(seconds)s), now() from generate_series(1, %(count)s)",
            {"queue": queue.id, "agent": agent.id, "count": count, "when": when, "seconds": seconds},
        )


def test_an_agent_of_many_quiet_queues_has_a_known_duration(db, clock, settings):
    queue, agent = worked_queue(db)
    for number in range(11):
        quiet = a_queue(db, f"quiet {number}")
        a_consumer(db, quiet, agent)
        end_some(db, clock, quiet, 1, 0.02)
    assert measured(db, settings, queue, agent)[0]


def test_newer_runs_of_others_do_not_hide_those_of_the_last_queues(committed, settings):
    queue, agent = worked_queue(committed)
    ended(committed, queue, agent, 12, "01", 0.02)
    ended(committed, a_queue(committed, "other"), an_agent(committed, "other"), 1001, "02", 60)
    last = [(queue.id, agent.id), *((uuid4(), agent.id) for _ in range(MOST_QUEUES - 1))]
    for known, claimed in ((True, last), (False, [*last, (uuid4(), agent.id)])):
        durations = RunDurations()
        durations.measure(committed, settings, claimed)
        assert bool(durations.mean) is known
