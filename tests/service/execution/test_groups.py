"""Runs that share a message: started together, executed in turn, each by itself, and completed together."""

import itertools

import pytest
from executing import Process

from casework.core.capacity import SHORTEST_SECONDS
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.service import cases
from factories import SETTINGS, claim, history, some_cases, the_case, the_run, worked_queue


def test_runs_of_a_group_start_and_complete_together(db, process):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)
    messages = claim(db)
    seen = []
    for n in (1, 3):
        process.before[n] = lambda: seen.append([the_run(db, one).status for one in messages])
    assert process.execute(*messages).value == ["completed"] * 3
    assert seen == [[RunStatus.RUNNING] * 3] * 2
    assert {tuple(history(db, id)) for id in ids} == {("created", "claimed", "completed")}
    assert {the_run(db, one).reason for one in messages} == {"done"}
    assert process.watched == set()


def test_completed_run_keeps_the_time_that_it_took(db):
    """And not the time of the others: durations are measured by it."""
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    messages = claim(db)
    moments = itertools.chain([10.0, 10.5, 20.0, 21.0, 30.0, 32.0])
    Process(db, clock=lambda: next(moments)).execute(*messages)
    runs = [the_run(db, one) for one in messages]
    assert [(run.completed_at - run.started_at).total_seconds() for run in runs] == pytest.approx([0.5, 1.0, 2.0])
    ends = [run.completed_at for run in runs]
    assert [(ends[2] - end).total_seconds() for end in ends] == pytest.approx([21.5, 11.0, 0.0], abs=0.1)


def test_case_taken_while_its_run_waits_for_the_others_is_refused(db, process):
    queue, _ = worked_queue(db)
    first, second, third = some_cases(db, queue, 3)
    messages = claim(db)
    process.before[3] = lambda: cases.settle(db, SETTINGS, queue.id, [second], CaseStatus.FAILED)
    assert sorted(process.execute(*messages).value) == ["completed", "completed", "refused"]
    assert the_case(db, second).status is CaseStatus.FAILED
    assert history(db, second)[-3:] == ["settled", "write_refused", "interrupted"]
    assert the_run(db, messages[1]).refused_writes == 1
    assert {the_case(db, id).status for id in (first, third)} == {CaseStatus.COMPLETED}


def test_run_asked_to_stop_while_it_waits_its_turn_is_not_called(db, process):
    queue, _ = worked_queue(db)
    _, second, _ = some_cases(db, queue, 3)
    messages = claim(db)

    def retry():
        cases.retry(db, SETTINGS, queue.id, [second])
        process.stops[messages[1]].request()

    process.before[1] = retry
    assert sorted(process.execute(*messages).value) == ["completed", "completed", "interrupted"]
    assert process.called == 2
    assert the_run(db, messages[1]).status is RunStatus.INTERRUPTED
    assert the_case(db, second).status is CaseStatus.PENDING


def test_run_that_was_interrupted_before_does_not_start(db, process):
    queue, _ = worked_queue(db)
    _, second, _ = some_cases(db, queue, 3)
    messages = claim(db)
    cases.retry(db, SETTINGS, queue.id, [second])
    assert sorted(process.execute(*messages).value) == ["completed", "completed", "not started"]
    assert sorted(process.execute(*messages).value) == ["not started"] * 3


def test_other_outcomes_than_completion_are_written_at_once(db, process):
    queue, _ = worked_queue(db, "sample_agents:is_transient")
    ids = some_cases(db, queue, 3)
    seen = []
    process.before[3] = lambda: seen.extend(the_case(db, id).status for id in ids)
    assert process.execute(*claim(db)).value == ["attempt_failed"] * 3
    assert seen == [CaseStatus.PENDING, CaseStatus.PENDING, CaseStatus.CLAIMED]


def test_runs_in_another_order_than_their_ids_are_executed_too(db, process):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    assert process.execute(*claim(db)[::-1]).value == ["completed"] * 3


def test_others_of_a_group_do_not_wait_for_a_slow_run(db, process):
    """What has completed is written, and what has not begun goes to other workers, at no cost."""
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 4)
    messages = claim(db)
    seen, alive = [], []

    def time_limit_passes():
        process.flush()
        seen.extend(the_case(db, id).status for id in ids)
        alive.extend(process.watched)

    process.before[2] = time_limit_passes
    results = process.execute(*messages).value
    assert seen == [CaseStatus.COMPLETED, CaseStatus.CLAIMED, CaseStatus.PENDING, CaseStatus.PENDING]
    assert alive == [messages[1]]
    assert sorted(results) == ["completed", "completed", "interrupted", "interrupted"]
    assert [effects.nudge for effects in process.asked] == [True]
    assert history(db, ids[2]) == ["created", "claimed", "released"]
    assert {message.attempt for message in claim(db)} == {2}
    assert the_run(db, messages[2]).failures == 0


def test_completion_that_the_time_limit_cannot_write_is_not_kept_alive(db, process):
    """The run of a slow agent may go on for hours, and a run that is silent is taken up again."""
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    messages = claim(db)
    alive = []

    def time_limit_passes():
        process.db.break_next(error=ZeroDivisionError())
        process.flush()
        alive.extend(process.watched)

    process.before[2] = time_limit_passes
    process.execute(*messages)
    assert messages[0] not in alive
    assert process.watched == set()


def test_group_that_breaks_off_is_left_to_the_time_limit(db, process):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)

    def breaks():
        raise KeyboardInterrupt

    process.before[2] = breaks
    with pytest.raises(KeyboardInterrupt):
        process.execute(*claim(db))
    process.flush()
    assert [the_case(db, id).status for id in ids] == [CaseStatus.COMPLETED, CaseStatus.CLAIMED, CaseStatus.PENDING]


@pytest.mark.parametrize("committed", [True, False])
def test_completion_perhaps_written_before_a_break_is_not_a_late_write(db, process, committed):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    messages = claim(db)
    process.before[3] = lambda: process.db.break_next(committed=committed)
    process.execute(*messages)
    for message in messages:
        run = the_run(db, message)
        assert (run.status, run.refused_writes) == (RunStatus.COMPLETED, 0)


@pytest.mark.parametrize("count", [1, 3])
def test_message_is_kept_while_the_database_is_unavailable(db, process, count):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    process.db.break_next(2)
    assert process.execute(*claim(db)).value == ["completed"] * count


def test_end_of_a_run_asks_for_a_tick_when_it_gives_a_slot_back(db, process):
    queue, _ = worked_queue(db, concurrency=2)
    some_cases(db, queue, 2)
    effects = process.execute(*claim(db)).effects
    assert (effects.nudge, effects.refill) == (True, 0)


def test_end_of_a_run_without_a_limit_leaves_ticks_to_a_refill(db, process):
    queue, _ = worked_queue(db, concurrency=None)
    some_cases(db, queue, 2)
    effects = process.execute(*claim(db)).effects
    assert (effects.nudge, effects.frees, effects.queues) == (False, True, {queue.id})
    assert 2 * SHORTEST_SECONDS <= effects.refill < 10


def test_run_that_leaves_something_to_claim_asks_for_a_tick(db, process):
    queue, _ = worked_queue(db, "sample_agents:is_transient", concurrency=None)
    some_cases(db, queue)
    assert process.execute(*claim(db)).effects.nudge
