"""A completion that is deferred to the next start of its thread."""

from threading import Event, Thread
from time import monotonic

import pytest
from executing import Process

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.service import cases, crash_points
from casework.service.execution.completions import Limits
from factories import (
    SETTINGS,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    history,
    some_cases,
    the_case,
    the_run,
    worked_queue,
)


def statuses(db, messages):
    return [the_run(db, message).status for message in messages]


def wait_for(condition):
    end = monotonic() + 30
    while not condition():
        assert monotonic() < end


@pytest.fixture
def busy(db, process):
    """A process whose last run ended a moment ago."""
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    assert process.execute(*claim(db)).value == ["completed"]
    process.called = 0
    return process, queue


def deferring(db, busy, count=2):
    """A process that has deferred the first of several claimed runs."""
    process, queue = busy
    ids = some_cases(db, queue, count)
    messages = claim(db)
    assert process.execute(messages[0]).value == []
    return process, queue, ids, messages


def test_completion_is_written_with_the_next_start(db, busy):
    process, queue = busy
    ids = some_cases(db, queue, 3)
    messages = claim(db)
    seen = []
    for n in (2, 3):
        process.before[n] = lambda: seen.append(statuses(db, messages))
    results = [process.execute(message).value for message in messages]
    assert results == [[], ["completed"], ["completed"]]
    assert seen == [
        [RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.PENDING],
        [RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.RUNNING],
    ]
    assert process.watched == {messages[2]}
    assert {tuple(history(db, id)) for id in ids[:2]} == {("created", "claimed", "completed")}
    assert the_run(db, messages[0]).reason == "done"


def test_completion_without_a_following_start_is_written_alone(db, busy):
    process, _, ids, messages = deferring(db, busy)
    assert the_case(db, ids[0]).status is CaseStatus.CLAIMED
    assert process.watched == {messages[0]}
    process.flush()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED
    assert process.watched == set()
    (effects,) = process.asked
    assert not effects.nudge
    assert effects.refill > 0
    assert process.execute(messages[1]).value == []


def test_time_limit_writes_completions_without_a_following_start(committed):
    """By its own thread, also after a completion that could not be written."""
    process = Process(committed, Limits(deferred=0.5, short=60.0))
    queue, _ = worked_queue(committed)
    for broken in (False, True, False):
        some_cases(committed, queue, 2)
        first, second = claim(committed)
        process.execute(first)
        if process.execute(second).value == []:
            if broken:
                process.db.break_next(error=ValueError("broken"))
            wait_for(lambda message=second: message not in process.watched)
            assert the_run(committed, second).status is (RunStatus.RUNNING if broken else RunStatus.COMPLETED)


@pytest.fixture
def waiting_for_groups(committed, request):
    """A process whose time limit for groups never comes."""
    process = Process(committed, Limits(deferred=2.0, short=60.0, group=3600.0))
    crash_points.watch(process.reached)
    request.addfinalizer(lambda: crash_points.forget(process.reached))
    return process


def test_time_limit_of_a_completion_holds_beside_a_later_one(committed, waiting_for_groups):
    """The thread that keeps the limits sleeps until the first of them."""
    process = waiting_for_groups
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 4)
    *shared, first, second = claim(committed)
    began, goes_on = Event(), Event()
    process.before[1] = lambda: (began.set(), goes_on.wait(60))
    group = Thread(target=process.execute, args=shared)
    group.start()
    assert began.wait(30)
    process.execute(first)
    assert process.execute(second).value == []
    wait_for(lambda: second not in process.watched)
    assert the_run(committed, second).status is RunStatus.COMPLETED
    goes_on.set()
    group.join()
    assert statuses(committed, shared) == [RunStatus.COMPLETED] * 2


def test_first_run_after_a_pause_is_written_at_once(db, process):
    queue, _ = worked_queue(db)
    (id,) = some_cases(db, queue)
    assert process.execute(claim(db)[0]).value == ["completed"]
    assert the_case(db, id).status is CaseStatus.COMPLETED


def test_completion_that_frees_a_slot_is_written_at_once(db, busy):
    process, _ = busy
    limited = a_queue(db, "limited")
    a_consumer(db, limited, an_agent(db, "limited"), concurrency=1)
    some_cases(db, limited)
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_run_that_took_long_is_written_at_once(db):
    queue, _ = worked_queue(db)
    moments = iter([1.0, 1.01, 2.0, 99.0])
    process = Process(db, clock=lambda: next(moments))
    for _ in range(2):
        some_cases(db, queue)
        assert process.execute(claim(db)[0]).value == ["completed"]


def test_run_that_has_only_one_attempt_is_written_at_once(db, busy):
    process, _ = busy
    queue = a_queue(db, "once")
    a_consumer(db, queue, an_agent(db, "once", max_attempts=1))
    some_cases(db, queue)
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_run_that_was_attempted_before_is_written_at_once(db, clock, busy):
    process, _ = busy
    queue = a_queue(db, "again")
    a_consumer(db, queue, an_agent(db, "again", target="sample_agents:recovers"))
    some_cases(db, queue)
    assert process.execute(claim(db)[0]).value == ["attempt_failed"]
    clock.forward(2)
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_other_outcomes_are_written_at_once(db, busy):
    process, _ = busy
    queue = a_queue(db, "failing")
    a_consumer(db, queue, an_agent(db, "failing", target="sample_agents:fails"))
    some_cases(db, queue)
    assert process.execute(claim(db)[0]).value == ["failed"]


def test_case_taken_while_its_completion_waits_is_refused(db, busy):
    """And the next run starts."""
    process, queue, ids, messages = deferring(db, busy)
    cases.settle(db, SETTINGS, queue.id, ids[:1], CaseStatus.FAILED)
    assert process.execute(messages[1]).value == []
    process.flush()
    assert history(db, ids[0])[-3:] == ["settled", "write_refused", "interrupted"]
    assert the_run(db, messages[0]).refused_writes == 1
    assert statuses(db, messages) == [RunStatus.INTERRUPTED, RunStatus.COMPLETED]
    assert process.watched == set()


def test_completion_is_written_even_if_the_next_run_does_not_start(db, busy):
    process, queue, ids, messages = deferring(db, busy)
    cases.retry(db, SETTINGS, queue.id, ids[1:])
    assert sorted(process.execute(messages[1]).value) == ["completed", "not started"]
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED
    assert process.watched == set()


def test_completion_that_cannot_go_along_is_written_before_agents_begin(db, busy):
    """An agent that holds the interpreter would keep it from the thread that writes."""
    process, _, ids, messages = deferring(db, busy, 3)
    seen = []
    process.before[2] = lambda: seen.append(the_case(db, ids[0]).status)
    assert process.execute(*messages[1:]).value == ["completed"] * 2
    assert seen == [CaseStatus.COMPLETED]
    assert process.watched == set()


def test_completion_does_not_go_along_with_a_smaller_run_id(db, busy):
    """Runs are locked in the order of their ids."""
    process, queue = busy
    ids = some_cases(db, queue, 2)
    first, second = claim(db)
    seen = []
    process.before[2] = lambda: seen.append(the_case(db, ids[1]).status)
    assert process.execute(second).value == []
    assert process.execute(first).value == []
    assert seen == [CaseStatus.COMPLETED]
    process.flush()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED


def test_completion_that_cannot_be_written_takes_no_start_down(db, busy):
    process, _, ids, messages = deferring(db, busy)
    process.db.break_next(error=ZeroDivisionError())
    assert process.execute(messages[1]).value == []
    process.flush()
    assert statuses(db, messages) == [RunStatus.COMPLETED] * 2
    assert process.watched == set()


def test_process_that_ends_amid_a_start_still_has_the_completion(db, busy):
    process, _, ids, messages = deferring(db, busy)
    process.db.break_next(error=SystemExit())
    with pytest.raises(SystemExit):
        process.execute(messages[1])
    process.flush()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED


def test_next_run_is_kept_alive_before_a_refused_completion_is_looked_into(db, busy):
    process, queue, ids, messages = deferring(db, busy)
    cases.retry(db, SETTINGS, queue.id, ids[:1])
    seen = []
    process.before[2] = lambda: seen.append((messages[1] in process.watched, the_run(db, messages[0]).refused_writes))
    process.execute(messages[1])
    assert seen == [(True, 0)]
    process.flush()
    assert the_run(db, messages[0]).refused_writes == 1


def test_each_thread_defers_for_itself(db, busy):
    process, _, ids, messages = deferring(db, busy, 2)
    taken = []
    other = Thread(target=lambda: taken.append(process.executor.completions.take_for((messages[1],), ahead=True)))
    other.start()
    other.join()
    assert taken == [None]
    assert process.executor.completions.take_for((messages[1],), ahead=True).message == messages[0]


@pytest.mark.parametrize("committed", [True, False])
def test_broken_connection_loses_neither_completion_nor_start(db, busy, committed):
    process, _, _, messages = deferring(db, busy)
    process.db.break_next(2, committed=committed)
    process.execute(messages[1])
    process.flush()
    # A start that was committed, and was not answered, is found by the sweep.
    assert statuses(db, messages) == [RunStatus.COMPLETED, RunStatus.RUNNING if committed else RunStatus.COMPLETED]
    assert [the_run(db, message).refused_writes for message in messages] == [0, 0]
    assert process.watched == set()


@pytest.mark.parametrize("goes_along", [True, False])
def test_time_that_a_completion_waited_does_not_count(db, clock, goes_along):
    queue, _ = worked_queue(db)
    ago = [0.0]

    def earlier():
        return monotonic() - ago[0]

    process = Process(db, clock=earlier)
    some_cases(db, queue)
    process.execute(*claim(db))
    some_cases(db, queue, 2)
    messages = claim(db)
    ago[0] = 3.0
    process.execute(messages[0])
    process.execute(messages[1]) if goes_along else process.flush()
    assert (clock.now - the_run(db, messages[0]).completed_at).total_seconds() == pytest.approx(3, abs=0.5)
