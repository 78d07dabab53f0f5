"""Runs that share a message: started together, executed in turn, each by itself, and completed together."""

from collections.abc import Callable

import pytest

from casework.agents.stop import Stop
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import RunMessage
from casework.errors import DatabaseUnavailable
from casework.service import bundles, cases, completions, execute
from casework.service.bundles import Execution
from casework.store import transitions
from factories import SETTINGS, Watching, claim, history, some_cases, the_case, the_run, worked_queue


class Turns:
    """Says what else happens before the n-th run is executed, and keeps each run's stop request."""

    def __init__(self, monkeypatch, before: dict[int, Callable[[], object]] | None = None) -> None:
        self.stops: dict[RunMessage, Stop] = {}
        self.watched: set[RunMessage] = set()
        self._before, self._turn = before or {}, 0
        self._work = execute.work
        monkeypatch.setattr(execute, "work", self.work)

    def work(self, *arguments):
        self._before.get(self._turn, lambda: None)()
        self._turn += 1
        return self._work(*arguments)

    def begin(self, message: RunMessage) -> Stop:
        self.watched.add(message)
        return self.stops.setdefault(message, Stop())

    def end(self, message: RunMessage) -> None:
        self.watched.discard(message)

    def execute(self, db, messages, effects=lambda effects: None):
        execution = Execution(db, SETTINGS, worker="w", watch=self, perform=effects)
        return execution.of(tuple(messages))


def execute_all(db, messages):
    return Execution(db, SETTINGS, worker="w", watch=Watching(), perform=lambda effects: None).of(tuple(messages))


def test_the_runs_of_a_bundle_start_and_complete_together(db, monkeypatch):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)
    messages = claim(db)
    seen = []
    turns = Turns(monkeypatch, {n: lambda: seen.append([the_run(db, one).status for one in messages]) for n in (0, 2)})
    assert turns.execute(db, messages).value == ["completed"] * 3
    assert seen == [[RunStatus.RUNNING] * 3] * 2
    assert {tuple(history(db, id)) for id in ids} == {("created", "claimed", "completed")}
    assert {the_run(db, one).reason for one in messages} == {"done"}
    assert turns.watched == set()


def test_a_completed_run_keeps_the_time_that_it_took(db, clock, monkeypatch):
    """And not the time of the others: paces are measured by it."""
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    moments = iter([10.0, 10.5, 20.0, 21.0, 30.0, 32.0, 40.0])
    for module in (bundles, completions):
        monkeypatch.setattr(module, "monotonic", lambda: next(moments))
    messages = claim(db)
    execute_all(db, messages)
    runs = [the_run(db, one) for one in messages]
    assert [(run.completed_at - run.started_at).total_seconds() for run in runs] == [0.5, 1.0, 2.0]
    assert [(clock.now - run.completed_at).total_seconds() for run in runs] == [29.5, 19.0, 8.0]


def test_refuses_a_case_that_was_taken_while_its_run_waits(db, monkeypatch):
    queue, _ = worked_queue(db)
    first, second, third = some_cases(db, queue, 3)
    messages = claim(db)
    settle = {2: lambda: cases.settle(db, SETTINGS, queue.id, [second], CaseStatus.FAILED)}
    done = Turns(monkeypatch, settle).execute(db, messages)
    assert sorted(done.value) == ["completed", "completed", "refused"]
    assert the_case(db, second).status is CaseStatus.FAILED
    assert history(db, second)[-3:] == ["settled", "write_refused", "interrupted"]
    assert the_run(db, messages[1]).refused_writes == 1
    assert {the_case(db, id).status for id in (first, third)} == {CaseStatus.COMPLETED}


def test_executes_no_run_that_is_asked_to_stop_while_it_waits(db, monkeypatch):
    queue, _ = worked_queue(db)
    _, second, _ = some_cases(db, queue, 3)
    messages = claim(db)

    def retry():
        cases.retry(db, SETTINGS, queue.id, [second])
        turns.stops[messages[1]].request()

    turns = Turns(monkeypatch, {0: retry})
    assert sorted(turns.execute(db, messages).value) == ["completed", "completed", "interrupted"]
    assert turns._turn == 2
    assert the_run(db, messages[1]).status is RunStatus.INTERRUPTED
    assert the_case(db, second).status is CaseStatus.PENDING


def test_a_run_that_was_interrupted_before_does_not_start(db):
    queue, _ = worked_queue(db)
    _, second, _ = some_cases(db, queue, 3)
    messages = claim(db)
    cases.retry(db, SETTINGS, queue.id, [second])
    assert sorted(execute_all(db, messages).value) == ["completed", "completed", "not started"]
    assert sorted(execute_all(db, messages).value) == ["not started"] * 3


def test_other_outcomes_than_completion_are_each_written_at_once(db, monkeypatch):
    queue, _ = worked_queue(db, "sample_agents:is_transient")
    ids = some_cases(db, queue, 3)
    seen = []
    turns = Turns(monkeypatch, {2: lambda: seen.extend(the_case(db, id).status for id in ids)})
    assert turns.execute(db, claim(db)).value == ["attempt_failed"] * 3
    assert seen == [CaseStatus.PENDING, CaseStatus.PENDING, CaseStatus.CLAIMED]


def test_runs_in_another_order_than_their_ids_are_executed_too(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    assert execute_all(db, claim(db)[::-1]).value == ["completed"] * 3


class Timer:
    """Goes off when the test says so."""

    def __init__(self, seconds, go_off):
        Timer.last = self
        self.go_off = go_off

    def start(self):
        self.started = True

    def cancel(self):
        self.cancelled = True


def test_what_shares_a_message_with_a_slow_run_does_not_wait_for_it(db, monkeypatch):
    """What has completed is written, and what has not begun goes to other workers, at no cost."""
    monkeypatch.setattr(bundles, "Timer", Timer)
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 4)
    messages = claim(db)
    asked, seen, alive = [], [], []

    def too_slow():
        Timer.last.go_off()
        seen.extend(the_case(db, id).status for id in ids)
        alive.extend(turns.watched)

    turns = Turns(monkeypatch, {1: too_slow})
    results = turns.execute(db, messages, asked.append).value
    assert seen == [CaseStatus.COMPLETED, CaseStatus.CLAIMED, CaseStatus.PENDING, CaseStatus.PENDING]
    assert alive == [messages[1]]
    assert sorted(results) == ["completed", "completed", "interrupted", "interrupted"]
    assert [effects.nudge for effects in asked] == [True]
    assert history(db, ids[2]) == ["created", "claimed", "released"]
    assert {message.attempt for message in claim(db)} == {2}
    assert the_run(db, messages[2]).failures == 0


def test_what_the_timer_cannot_write_is_not_kept_alive(db, monkeypatch):
    """The run of a slow agent may go on for hours, and a run that is silent is taken up again."""
    monkeypatch.setattr(bundles, "Timer", Timer)
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    messages = claim(db)
    alive = []

    def too_slow():
        with pytest.raises(ZeroDivisionError):
            Timer.last.go_off()
        alive.extend(turns.watched)

    turns = Turns(monkeypatch, {1: too_slow})
    monkeypatch.setattr(transitions, "complete", lambda *given: 1 / 0)
    turns.execute(db, messages)
    assert messages[0] not in alive
    assert turns.watched == set()


def test_an_agent_that_breaks_the_bundle_leaves_the_others_to_the_timer(db, monkeypatch):
    monkeypatch.setattr(bundles, "Timer", Timer)
    queue, _ = worked_queue(db)
    first, second, third = some_cases(db, queue, 3)

    def breaks():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Turns(monkeypatch, {1: breaks}).execute(db, claim(db))
    assert not hasattr(Timer.last, "cancelled")
    Timer.last.go_off()
    assert [the_case(db, id).status for id in (first, second, third)] == [
        CaseStatus.COMPLETED,
        CaseStatus.CLAIMED,
        CaseStatus.PENDING,
    ]


def test_calls_no_completion_late_that_a_broken_line_may_have_written(db, monkeypatch):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    messages = claim(db)
    really = transitions.complete_all
    tries = []

    def breaks(tx, done):
        held = really(tx, done)
        tries.append(len(held))
        if len(tries) == 1:
            raise DatabaseUnavailable("the line broke")
        return held

    monkeypatch.setattr(transitions, "complete_all", breaks)
    monkeypatch.setattr(execute, "sleep", lambda seconds: None)
    execute_all(db, messages)
    assert tries[-1] in (0, 3)
    for message in messages:
        run = the_run(db, message)
        assert (run.status, run.refused_writes) == (RunStatus.COMPLETED, 0)


@pytest.mark.parametrize(("count", "starts"), [(1, "start"), (3, "start_all")])
def test_a_message_is_kept_while_the_database_is_away(db, monkeypatch, count, starts):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    messages = claim(db)
    really, tries = getattr(transitions, starts), []

    def breaks(*arguments):
        tries.append(arguments)
        if len(tries) < 4:
            raise DatabaseUnavailable("it is away")
        return really(*arguments)

    monkeypatch.setattr(transitions, starts, breaks)
    monkeypatch.setattr(execute, "sleep", lambda seconds: None)
    assert execute_all(db, messages).value == ["completed"] * count


def test_the_end_of_a_run_asks_for_a_tick_where_it_gives_a_slot_back(db):
    queue, _ = worked_queue(db, concurrency=2)
    some_cases(db, queue, 2)
    effects = execute_all(db, claim(db)).effects
    assert (effects.nudge, effects.refill) == (True, 0)


def test_without_a_limit_the_end_of_a_run_leaves_ticks_to_a_refill(db):
    queue, _ = worked_queue(db, concurrency=None)
    some_cases(db, queue, 2)
    effects = execute_all(db, claim(db)).effects
    assert (effects.nudge, effects.refill) == (False, 2)


def test_a_run_that_leaves_something_to_claim_asks_for_a_tick(db):
    queue, _ = worked_queue(db, "sample_agents:is_transient", concurrency=None)
    some_cases(db, queue)
    assert execute_all(db, claim(db)).effects.nudge
