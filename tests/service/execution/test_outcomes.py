"""One attempt of a run: from its message to its outcome."""

import threading
from datetime import timedelta

import pytest

from casework.core.effects import News, RunMessage
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import CaseFilter, LabelRef, Priority
from casework.service import cases, release, requests, runs
from casework.service.changes import change
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import Reason
from casework.service.dispatch import tick
from casework.service.execution.executor import Executor, call_agent
from casework.service.ticker import Fleet, Ticker
from casework.store import processes, transitions
from factories import (
    SETTINGS,
    TEAM,
    Watching,
    a_queue,
    an_attempt,
    claim,
    finish,
    history,
    some_cases,
    start,
    the_case,
    the_run,
    work,
    work_all,
    worked_queue,
)


def one(db, target, data=""):
    queue, _ = worked_queue(db, f"sample_agents:{target}")
    (case_id,) = some_cases(db, queue, data=data)
    return queue, case_id


@pytest.mark.parametrize(
    ("target", "result", "status", "reason"),
    [
        ("completes", "completed", CaseStatus.COMPLETED, "done"),
        ("completes_async", "completed", CaseStatus.COMPLETED, "in attempt 1"),
        ("fails", "failed", CaseStatus.FAILED, "not today"),
        ("raises", "failed", CaseStatus.FAILED, "ValueError: a bug"),
        ("exits_on_the_loop", "failed", CaseStatus.FAILED, "The agent called exit('enough')."),
        ("is_cancelled", "failed", CaseStatus.FAILED, "CancelledError: the agent was cancelled"),
        ("forgets", "failed", CaseStatus.FAILED, "The agent returned no outcome"),
        (
            "says_nul",
            "failed",
            CaseStatus.FAILED,
            "The agent returned Complete, but it cannot be stored: The reason contains",
        ),
        ("raises_nul", "failed", CaseStatus.FAILED, "ValueError: a\\0b \\udc80"),
        ("asks_nul", "failed", CaseStatus.FAILED, "InvalidInput: The question contains a NUL"),
    ],
)
def test_outcomes(db, target, result, status, reason):
    _, case_id = one(db, target)
    (message,) = claim(db)
    assert work(db, message) == result
    assert the_case(db, case_id).status is status
    assert the_case(db, case_id).claimed_by_run_id is None
    assert the_case(db, case_id).completed_at is not None
    assert cases.get(db, TEAM, case_id)[1][-1].reason.startswith(reason)


def test_a_traceback_is_kept_on_the_run(db):
    one(db, "raises")
    (message,) = claim(db)
    work(db, message)
    assert 'raise ValueError("a bug")' in the_run(db, message).error


@pytest.mark.parametrize(
    ("target", "modules", "problem"),
    [
        ("kills_its_worker", "others", "is not in CASEWORK_AGENT_MODULES"),
        ("is_not_written_yet", "sample_agents", "has no function 'is_not_written_yet'"),
    ],
)
def test_a_worker_without_the_agent_leaves_the_case_to_others(db, target, modules, problem):
    """Perhaps another worker, that was started with other code or settings. It costs no attempt."""
    _, case_id = one(db, target)
    (message,) = claim(db)
    with db.begin() as tx:
        processes.seen(tx, "t", "ticker", timedelta(seconds=30))
        processes.seen(tx, "w", "worker", timedelta(seconds=30), processes.Report(slots=4))
    assert work(db, message, SETTINGS.model_copy(update={"agent_modules": modules})) == "released"
    assert problem in cases.get(db, TEAM, case_id)[1][-1].reason
    with db.begin() as tx:
        (worker,) = processes.workers(tx, timedelta(seconds=30))
    assert problem in worker.cannot_run[the_run(db, message).agent_id]
    fleet = Ticker(fleet=Fleet(SETTINGS))
    assert claim(db, ticker=fleet) == []
    assert explain(db, SETTINGS, TEAM, case_id).code == Reason.NO_ABLE_WORKER
    with db.begin() as tx:
        processes.seen(tx, "able", "worker", timedelta(seconds=30), processes.Report(slots=1))
    fleet = Ticker(fleet=Fleet(SETTINGS))
    assert claim(db, ticker=fleet) == [RunMessage(message.run_id, 2)]


def test_a_worker_that_lacks_the_agent_is_sent_the_run_once(db):
    """Which workers can run what is asked again, however lately a ticker asked."""
    one(db, "is_not_written_yet")
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(seconds=30), processes.Report(slots=4))
    ticker = Ticker(fleet=Fleet(SETTINGS))
    (message,) = claim(db, ticker=ticker)
    done = Executor(db, SETTINGS, worker="w", watch=Watching(), perform=lambda effects: None).execute((message,))
    news = News(done.effects.queues, around=not done.effects.queues)
    assert sum(one.value.claimed for one in tick(db, SETTINGS, ticker, news=news, sweeping=False)) == 0


def test_a_transient_error_is_another_attempt_of_the_same_run(db, clock):
    _, case_id = one(db, "recovers")
    (message,) = claim(db)
    assert work(db, message) == "attempt_failed"
    assert the_run(db, message).status is RunStatus.WAITING
    assert claim(db) == []
    clock.forward(2)
    (again,) = claim(db)
    assert again == RunMessage(message.run_id, 2)
    assert work(db, again) == "completed"
    assert history(db, case_id) == ["created", "claimed", "attempt_failed", "resumed", "completed"]


def test_attempts_are_used_up(db, clock):
    _, case_id = one(db, "is_transient")
    results = []
    for _ in range(SETTINGS.max_attempts):
        clock.forward(61)
        results += [work(db, message) for message in claim(db)]
    assert results == ["attempt_failed"] * 4 + ["failed"]
    assert the_case(db, case_id).status is CaseStatus.FAILED
    assert "attempt 5 of 5" in cases.get(db, TEAM, case_id)[1][-1].reason


def work_after(db, clock, seconds):
    """Nothing comes earlier."""
    clock.forward(seconds - 0.1)
    assert claim(db) == []
    clock.forward(3)
    return [work(db, message) for message in claim(db)]


def test_a_wait_that_a_service_asks_for_is_kept_and_costs_no_attempt(db, clock):
    asked = SETTINGS.max_attempts
    one(db, "is_asked_to_wait", {"seconds": 20, "attempts": asked})
    (message,) = claim(db)
    assert work(db, message) == "attempt_failed"
    assert [work_after(db, clock, 20) for _ in range(asked)] == [["attempt_failed"]] * (asked - 1) + [["completed"]]
    assert the_run(db, message).failures == 0


def test_past_its_limit_a_wait_that_is_asked_for_costs_an_attempt(db, clock):
    settings = SETTINGS.model_copy(update={"retry_after_seconds": 50, "max_attempts": 2})
    _, case_id = one(db, "is_asked_to_wait", {"seconds": 20, "attempts": 9})
    results = []
    for _ in range(5):
        results += [(work(db, message, settings), the_run(db, message).failures) for message in claim(db)]
        clock.forward(21)
    assert results == [("attempt_failed", 0)] * 2 + [("attempt_failed", 1), ("failed", 2)]


def test_a_released_run_costs_no_attempt(db, settings):
    queue, case_id = one(db, "completes")
    (message,) = claim(db)
    start(db, message, worker="old")
    release.ask_to_release(db, "old", 2.0)
    assert release.release_all(db, "old").value == 1
    assert the_run(db, message).failures == 0
    (again,) = claim(db)
    assert work(db, again) == "completed"


def test_postponed_cases_come_back_when_they_are_due(db, clock):
    _, case_id = one(db, "postpones", {"wait": "2s"})
    (message,) = claim(db)
    assert work(db, message) == "postponed"
    case = the_case(db, case_id)
    assert (case.postponed_to - clock.now).total_seconds() == 2
    clock.forward(1.9)
    assert claim(db) == []
    clock.forward(0.1)
    (again,) = claim(db)
    assert again.run_id != message.run_id
    assert work(db, again) == "completed"


def test_an_answered_run_goes_on_with_its_answer(db, settings):
    queue, case_id = one(db, "asks")
    (message,) = claim(db)
    assert work(db, message) == "needs_input"
    assert the_case(db, case_id).pending_human_request_id is not None
    assert the_run(db, message).status is RunStatus.WAITING
    some_cases(db, queue, 3)
    (request,) = requests.find(db, TEAM)
    assert request.options == ("red", "blue")
    requests.answer(db, TEAM, request.id, "red")
    resumed = claim(db)[0]
    assert resumed == RunMessage(message.run_id, 2)
    assert work(db, resumed) == "needs_input"
    (approval,) = requests.find(db, TEAM)
    requests.decide(db, TEAM, approval.id, True)
    again = next(one for one in claim(db) if one.run_id == message.run_id)
    assert work(db, again) == "completed"
    assert cases.get(db, TEAM, case_id)[1][-1].reason == "red 1"
    said = runs.list_messages(db, TEAM, message.run_id, limit=100)
    assert [(one.type, one.content.get("text")) for one in said] == [
        ("text", "before"),
        ("text", "before"),
        ("tool_call", None),
        ("tool_result", None),
        ("text", "it is red"),
    ]


def test_cases_are_added_once_however_often_the_run_is_resumed(db):
    target = a_queue(db, "children")
    queue, case_id = one(db, "feeds", {"queue": "children"})
    work_all(db)
    (request,) = requests.find(db, TEAM)
    requests.answer(db, TEAM, request.id, "yes")
    work_all(db)
    assert cases.get(db, TEAM, case_id)[1][-1].reason == "3 children"
    assert [case.title for case in cases.find(db, target.id, CaseFilter(), limit=10)] == [
        "child 3",
        "child 2",
        "child 1",
    ]


def interrupted(db, target, act):
    """Run the agent in a thread until it has said something, act, tell it to stop, and return what came of it."""
    queue, case_id = one(db, target)
    (message,) = claim(db)
    started = start_row(db, message)
    result = []
    thread = threading.Thread(target=lambda: result.append(call_agent(db, SETTINGS, started, lambda effects: None)))
    thread.start()
    while not runs.list_messages(db, TEAM, message.run_id, limit=1):
        assert thread.is_alive()
    act(queue, case_id)
    started.stop.request()
    thread.join(10)
    assert not thread.is_alive()
    return case_id, message, finish(db, started, result[0])


def start_row(db, message):
    started = an_attempt(db, message)
    assert started is not None
    return started


@pytest.mark.parametrize("target", ["loops", "loops_async"])
def test_a_retried_case_waits_for_its_old_run_and_no_longer(committed, target):
    settings = SETTINGS
    case_id, message, result = interrupted(
        committed, target, lambda queue, id: cases.retry(committed, settings, queue.id, [id])
    )
    assert result == "interrupted"
    assert the_run(committed, message).status is RunStatus.INTERRUPTED
    assert the_case(committed, case_id).status is CaseStatus.PENDING
    (again,) = claim(committed)
    assert again.run_id != message.run_id
    assert history(committed, case_id)[-3:] == ["retried", "interrupted", "claimed"]


def test_a_run_whose_case_was_deleted_ends_alone(committed):
    case_id, message, result = interrupted(
        committed, "loops", lambda queue, id: cases.delete(committed, SETTINGS, queue.id, [id])
    )
    assert result == "interrupted"
    run = the_run(committed, message)
    assert (run.status, run.case_id) == (RunStatus.INTERRUPTED, None)


def test_a_late_outcome_is_refused_and_recorded(db, settings):
    queue, case_id = one(db, "completes")
    (message,) = claim(db)
    started = start_row(db, message)
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.FAILED, "by hand")
    result = call_agent(db, settings, started, lambda effects: None)
    assert finish(db, started, result) == "refused"
    assert the_case(db, case_id).status is CaseStatus.FAILED
    assert history(db, case_id)[-3:] == ["settled", "write_refused", "interrupted"]
    run = the_run(db, message)
    assert (run.refused_writes, run.status) == (1, RunStatus.INTERRUPTED)


def test_a_late_message_is_refused_and_stops_the_run(db, settings):
    queue, case_id = one(db, "loops")
    (message,) = claim(db)
    started = start_row(db, message)
    cases.retry(db, settings, queue.id, [case_id])
    result = call_agent(db, settings, started, lambda effects: None)
    assert finish(db, started, result) == "interrupted"
    assert runs.list_messages(db, TEAM, message.run_id, limit=10) == []
    assert "write_refused" in history(db, case_id)


def test_a_fenced_update_changes_nothing(db, settings):
    queue, case_id = one(db, "completes")
    (message,) = claim(db)
    fence = start(db, message)
    with db.begin() as tx:
        assert change(tx, queue.id, case_id, fence=fence, title="held", priority=Priority.HIGH)
        transitions.release(tx, fence, "x")
        assert not change(tx, queue.id, case_id, fence=fence, title="lost", relabel=lambda has: [LabelRef("x")])
    assert the_case(db, case_id).title == "held"
