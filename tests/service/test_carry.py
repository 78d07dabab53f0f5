"""A completion that is carried from one run to the next start of its process."""

from threading import Event

import pytest

from casework.agents.stop import Stop
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import RunMessage
from casework.errors import DatabaseUnavailable
from casework.service import bundles, carry, cases, completions, execute
from casework.service.bundles import Execution
from casework.service.carry import Carry
from casework.service.completions import Done
from casework.store import transitions
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


class Process:
    """A worker's process, whose thread writes nothing before the test says so."""

    def __init__(self, db, monkeypatch):
        monkeypatch.setattr(Carry, "_ensure_thread", lambda carry: None)
        monkeypatch.setattr(carry, "CARRY_SECONDS", 60.0)
        self.db = db
        self.watched: set[RunMessage] = set()
        self.asked = []
        self.carry = Carry(self.put_down)

    def is_busy(self):
        """Its last run ended a moment ago."""
        self.carry._ended = float("inf")

    def begin(self, message: RunMessage) -> Stop:
        self.watched.add(message)
        return Stop()

    def end(self, message: RunMessage) -> None:
        self.watched.discard(message)

    def execution(self):
        return Execution(self.db, SETTINGS, worker="w", watch=self, perform=self.asked.append, carry=self.carry)

    def execute(self, message):
        return self.execution().of((message,))

    def put_down(self, done):
        self.asked.append(self.execution().put_down(done).effects)


@pytest.fixture
def process(db, monkeypatch):
    return Process(db, monkeypatch)


def statuses(db, messages):
    return [the_run(db, message).status for message in messages]


def test_a_completion_is_written_with_the_next_start(db, process, monkeypatch):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)
    messages = claim(db)
    monkeypatch.setattr(transitions, "complete", None)
    seen = []
    work = execute.work
    monkeypatch.setattr(execute, "work", lambda *given: seen.append(statuses(db, messages)) or work(*given))
    process.is_busy()
    results = [process.execute(message).value for message in messages]
    assert results == [[], ["completed"], ["completed"]]
    assert seen[1:] == [
        [RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.PENDING],
        [RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.RUNNING],
    ]
    assert process.watched == {messages[2]}
    assert {tuple(history(db, id)) for id in ids[:2]} == {("created", "claimed", "completed")}
    assert the_run(db, messages[0]).reason == "done"


def carrying(process, count=2, **consumer):
    """A process that carries the first of several claimed runs."""
    queue, _ = worked_queue(process.db, **consumer)
    ids = some_cases(process.db, queue, count)
    messages = claim(process.db)
    process.is_busy()
    assert process.execute(messages[0]).value == []
    return queue, ids, messages


def test_a_completion_that_no_start_comes_for_is_written_by_itself(db, process):
    _, ids, messages = carrying(process)
    assert the_case(db, ids[0]).status is CaseStatus.CLAIMED
    assert process.watched == {messages[0]}
    process.carry.put_down()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED
    assert process.watched == set()
    assert [(effects.nudge, effects.refill) for effects in process.asked] == [(False, 1)]
    assert process.execute(messages[1]).value == []


def test_a_thread_writes_what_no_start_comes_for(monkeypatch):
    monkeypatch.setattr(carry, "_is_cheap", lambda done: True)
    written, is_written = [], Event()

    def write(done):
        written.append(done)
        is_written.set()
        if done.reason == "broken":
            raise ValueError(done.reason)

    carried = Carry(write)
    carried._follows_soon = True
    for reason in ("done", "broken", "done again"):
        done = Done(None, reason, 1.0, 1.0)
        assert carried.keep(done)
        assert is_written.wait(30)
        is_written.clear()
        assert written.pop() is done


def test_the_first_run_after_a_pause_is_written_at_once(db, process):
    queue, _ = worked_queue(db)
    (id,) = some_cases(db, queue)
    assert process.execute(claim(db)[0]).value == ["completed"]
    assert the_case(db, id).status is CaseStatus.COMPLETED


def test_a_run_whose_end_gives_a_slot_back_is_written_at_once(db, process):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue)
    process.is_busy()
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_a_run_that_took_long_is_written_at_once(db, process, monkeypatch):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    process.is_busy()
    moments = iter([1.0, 1.0 + 2 * carry.SHORT_SECONDS])
    monkeypatch.setattr(bundles, "monotonic", lambda: next(moments))
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_a_run_that_has_one_attempt_only_is_written_at_once(db, process):
    queue = a_queue(db)
    a_consumer(db, queue, an_agent(db, "once", max_attempts=1))
    some_cases(db, queue)
    process.is_busy()
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_a_run_that_was_attempted_before_is_written_at_once(db, process):
    queue, _ = worked_queue(db, "sample_agents:recovers")
    (id,) = some_cases(db, queue)
    process.is_busy()
    assert process.execute(claim(db)[0]).value == ["attempt_failed"]
    with db.begin() as tx:
        tx.sql("update cases set ready_at = %(now)s where id = %(id)s", {"now": tx.now, "id": id})
    assert process.execute(claim(db)[0]).value == ["completed"]


def test_other_outcomes_are_written_at_once(db, process):
    queue, _ = worked_queue(db, "sample_agents:fails")
    some_cases(db, queue)
    process.is_busy()
    assert process.execute(claim(db)[0]).value == ["failed"]


def test_a_case_that_was_taken_while_its_completion_is_carried_is_refused_and_the_next_one_starts(db, process):
    queue, ids, messages = carrying(process)
    cases.settle(db, SETTINGS, queue.id, ids[:1], CaseStatus.FAILED)
    assert process.execute(messages[1]).value == ["refused"]
    assert history(db, ids[0])[-3:] == ["settled", "write_refused", "interrupted"]
    assert the_run(db, messages[0]).refused_writes == 1
    assert statuses(db, messages) == [RunStatus.INTERRUPTED, RunStatus.RUNNING]
    assert process.watched == {messages[1]}


def test_a_completion_is_written_also_where_the_next_run_is_not_to_be_started(db, process):
    queue, ids, messages = carrying(process)
    cases.retry(db, SETTINGS, queue.id, ids[1:])
    assert sorted(process.execute(messages[1]).value) == ["completed", "not started"]
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED
    assert process.watched == set()


def test_runs_that_share_a_message_leave_what_is_carried_to_the_thread(db, process):
    _, ids, messages = carrying(process, 3)
    assert process.execution().of(tuple(messages[1:])).value == ["completed"] * 2
    assert the_case(db, ids[0]).status is CaseStatus.CLAIMED
    process.carry.put_down()
    assert {the_case(db, id).status for id in ids} == {CaseStatus.COMPLETED}


def test_a_run_with_a_smaller_id_does_not_take_it(db, process):
    """Runs are locked in the order of their ids."""
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 2)
    messages = claim(db)
    process.is_busy()
    assert process.execute(messages[1]).value == []
    assert process.execute(messages[0]).value == []
    process.carry.put_down()
    assert {the_case(db, id).status for id in ids} == {CaseStatus.COMPLETED}


@pytest.mark.parametrize("committed_before", [True, False])
def test_a_line_that_breaks_loses_neither_the_completion_nor_the_start(db, process, monkeypatch, committed_before):
    _, _, messages = carrying(process)

    def breaks(tx, *given):
        if committed_before:
            with db.begin() as tx:
                transitions.complete(tx, given[0], "done")
        raise DatabaseUnavailable("the line broke")

    monkeypatch.setattr(transitions, "complete_and_start", breaks)
    monkeypatch.setattr(execute, "sleep", lambda seconds: None)
    process.execute(messages[1])
    process.carry.put_down()
    assert statuses(db, messages) == [RunStatus.COMPLETED] * 2
    assert [the_run(db, message).refused_writes for message in messages] == [0, 0]
    assert process.watched == set()


def test_the_time_that_it_was_carried_does_not_count(db, process, clock, monkeypatch):
    _, _, messages = carrying(process)
    ended = process.carry._carried[0].ended
    monkeypatch.setattr(completions, "monotonic", lambda: ended + 3)
    process.execute(messages[1])
    assert (clock.now - the_run(db, messages[0]).completed_at).total_seconds() == pytest.approx(3)
