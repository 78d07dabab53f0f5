"""A completion that is carried from one run to the next start of its process."""

from threading import Event, Thread

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
        monkeypatch.setattr(Carry, "_has_thread", lambda carry: True)
        monkeypatch.setattr(carry, "CARRY_SECONDS", 60.0)
        self.db = db
        self.watched: set[RunMessage] = set()
        self.asked = []
        self.carry = Carry(self.put_down)

    def is_busy(self):
        """Its last run ended a moment ago."""
        self.carry._hand().ended = float("inf")

    def begin(self, message: RunMessage) -> Stop:
        self.watched.add(message)
        return Stop()

    def end(self, message: RunMessage) -> None:
        self.watched.discard(message)

    def execute(self, *messages):
        execution = Execution(self.db, SETTINGS, worker="w", watch=self, perform=self.asked.append, carry=self.carry)
        return execution.of(messages)

    def put_down(self, done):
        self.asked.append(bundles.put_down(self.db, SETTINGS, self, done).effects)


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
    carried._hand().starts_follow = True
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


def test_refuses_a_carried_completion_of_a_taken_case_and_goes_on(db, process):
    queue, ids, messages = carrying(process)
    cases.settle(db, SETTINGS, queue.id, ids[:1], CaseStatus.FAILED)
    assert process.execute(messages[1]).value == ["completed"]
    process.carry.put_down()
    assert history(db, ids[0])[-3:] == ["settled", "write_refused", "interrupted"]
    assert the_run(db, messages[0]).refused_writes == 1
    assert statuses(db, messages) == [RunStatus.INTERRUPTED, RunStatus.COMPLETED]
    assert process.watched == set()


def test_writes_a_completion_also_if_the_next_run_does_not_start(db, process):
    queue, ids, messages = carrying(process)
    cases.retry(db, SETTINGS, queue.id, ids[1:])
    assert sorted(process.execute(messages[1]).value) == ["completed", "not started"]
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED
    assert process.watched == set()


def test_writes_other_completions_before_a_messages_runs_begin(db, process, monkeypatch):
    """An agent that holds the interpreter would keep it from the thread that writes."""
    _, ids, messages = carrying(process, 3)
    seen = []
    work = execute.work
    monkeypatch.setattr(execute, "work", lambda *given: seen.append(the_case(db, ids[0]).status) or work(*given))
    assert process.execute(*messages[1:]).value == ["completed"] * 2
    assert seen == [CaseStatus.COMPLETED] * 2
    assert process.watched == set()


def test_it_does_not_go_along_with_a_run_with_a_smaller_id(db, process, monkeypatch):
    """Runs are locked in the order of their ids."""
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 2)
    first, second = claim(db)
    monkeypatch.setattr(transitions, "complete_and_start", None)
    process.is_busy()
    assert process.execute(second).value == []
    assert process.execute(first).value == []
    assert the_case(db, ids[1]).status is CaseStatus.COMPLETED
    process.carry.put_down()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED


def test_a_completion_that_cannot_be_written_takes_no_start_down(db, process, monkeypatch):
    _, _, messages = carrying(process)
    monkeypatch.setattr(transitions, "complete_and_start", lambda *given: 1 / 0)
    really = transitions.complete
    refused = messages[0].run_id
    monkeypatch.setattr(
        transitions, "complete", lambda tx, fence, *more: 1 / (fence.run_id != refused) and really(tx, fence, *more)
    )
    assert process.execute(messages[1]).value == ["completed"]
    process.carry.put_down()
    assert statuses(db, messages) == [RunStatus.RUNNING, RunStatus.COMPLETED]
    assert process.watched == set()


def test_a_process_that_ends_amid_a_start_still_has_the_completion(db, process, monkeypatch):
    _, ids, messages = carrying(process)

    def ends(*given):
        raise SystemExit

    monkeypatch.setattr(transitions, "complete_and_start", ends)
    with pytest.raises(SystemExit):
        process.execute(messages[1])
    process.carry.put_down()
    assert the_case(db, ids[0]).status is CaseStatus.COMPLETED


def test_keeps_the_next_run_alive_before_a_refusal_is_recorded(db, process, monkeypatch):
    queue, ids, messages = carrying(process)
    cases.retry(db, SETTINGS, queue.id, ids[:1])
    seen = []
    monkeypatch.setattr(execute, "settle", lambda *given, **more: seen.append(messages[1] in process.watched))
    process.execute(messages[1])
    process.carry.put_down()
    assert seen[0] is True


def test_where_no_thread_can_be_started_nothing_is_carried(db, monkeypatch):
    def no_thread(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(carry.Thread, "start", no_thread)
    monkeypatch.setattr(carry, "_is_cheap", lambda done: True)
    carried = Carry(None)
    carried._hand().starts_follow = True
    assert not carried.keep(Done(None, "done", 1.0, 1.0))


def test_a_process_that_ends_waits_for_what_its_thread_is_writing(monkeypatch):
    monkeypatch.setattr(carry, "_is_cheap", lambda done: True)
    begun, may_end, ended = Event(), Event(), []

    def write(done):
        begun.set()
        may_end.wait(30)
        ended.append(done)

    carried = Carry(write)
    carried._hand().starts_follow = True
    carried.keep(Done(None, "done", 1.0, 1.0))
    assert begun.wait(30)
    ending = Thread(target=carried.put_down)
    ending.start()
    ending.join(0.05)
    assert ending.is_alive()
    may_end.set()
    ending.join(30)
    assert len(ended) == 1


def test_each_thread_carries_for_itself(db, process):
    _, ids, messages = carrying(process, 2)
    other = Thread(target=lambda: process.carry.begin(messages[1:]))
    other.start()
    other.join()
    assert process.carry.begin(tuple(messages[1:])).started.message == messages[0]


@pytest.mark.parametrize("committed_before", [True, False])
def test_a_line_that_breaks_loses_neither_the_completion_nor_the_start(db, process, monkeypatch, committed_before):
    _, _, messages = carrying(process)

    really = transitions.complete_and_start
    tries = []

    def breaks(tx, *given):
        tries.append(given)
        if len(tries) > 2:
            return really(tx, *given)
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


@pytest.mark.parametrize("goes_along", [True, False])
def test_the_time_that_it_was_carried_does_not_count(db, process, clock, monkeypatch, goes_along):
    _, _, messages = carrying(process)
    ended = process.carry._hand().done.ended
    for module in (completions, execute):
        monkeypatch.setattr(module, "monotonic", lambda: ended + 3)
    process.execute(messages[1]) if goes_along else process.carry.put_down()
    assert (clock.now - the_run(db, messages[0]).completed_at).total_seconds() == pytest.approx(3)
