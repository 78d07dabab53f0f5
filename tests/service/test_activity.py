"""What somebody who watches an installation is shown: each failure once, and the runs that go on."""

from datetime import timedelta

import pytest

from casework.core.model import DEFAULT_TEAM, TeamId
from casework.service import activity
from casework.store import transitions
from factories import SETTINGS, TEAM, claim, some_cases, start, work, work_all, worked_queue


@pytest.fixture
def failures(db, settings):
    return activity.Failures(db, settings, TEAM)


def test_each_failure_is_found_once(db, failures):
    queue, _ = worked_queue(db, "sample_agents:raises")
    (case,) = some_cases(db, queue)
    work_all(db)
    (found,) = failures.new()
    assert (found.case_id, found.title, found.type) == (case, "case 0", "failed")
    assert (found.agent_name, found.has_traceback, found.again_in) == ("worker", True, None)
    assert failures.new() == []


def test_what_failed_before_the_watch_is_not_found(db, settings):
    queue, _ = worked_queue(db, "sample_agents:fails")
    some_cases(db, queue)
    work_all(db)
    assert activity.Failures(db, settings, TEAM).new() == []


def test_attempt_that_failed_says_when_the_next_one_is(db, settings, failures):
    queue, _ = worked_queue(db, "sample_agents:is_transient")
    some_cases(db, queue)
    (message,) = claim(db)
    work(db, message, settings)
    (found,) = failures.new()
    assert (found.type, found.failures, found.max_attempts) == ("attempt_failed", 1, settings.max_attempts)
    assert timedelta(0) < found.again_in <= timedelta(seconds=1.5)


def test_a_failure_that_commits_after_a_later_one_is_found(committed):
    failures = activity.Failures(committed, SETTINGS, TEAM)
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 2)
    first, second = (start(committed, message) for message in claim(committed))
    with committed.begin() as tx:
        assert transitions.fail(tx, first, "first", None)
        with committed.begin() as other:
            assert transitions.fail(other, second, "second", None)
        assert [one.reason for one in failures.new()] == ["second"]
    assert [one.reason for one in failures.new()] == ["first"]
    assert failures.new() == []


def test_other_teams_see_neither_failures_nor_runs(db, settings, failures):
    queue, _ = worked_queue(db, "sample_agents:fails")
    some_cases(db, queue, 2)
    messages = claim(db)
    work(db, messages[0])
    start(db, messages[1])
    other = TeamId(queue.id)
    assert other != DEFAULT_TEAM
    assert len(failures.new()) == len(activity.active_runs(db, TEAM, 10)) == 1
    assert activity.Failures(db, settings, other).new() == activity.active_runs(db, other, 10) == []


def test_runs_that_go_on_are_listed_longest_first(db, clock):
    queue, _ = worked_queue(db)
    first, second = some_cases(db, queue, 2)
    messages = claim(db)
    start(db, messages[0])
    clock.forward(5)
    start(db, messages[1])
    clock.forward(1)
    found = activity.active_runs(db, TEAM, 10)
    assert [(one.case_id, one.lasts.total_seconds()) for one in found] == [(first, 6), (second, 1)]
    assert len(activity.active_runs(db, TEAM, 1)) == 1
