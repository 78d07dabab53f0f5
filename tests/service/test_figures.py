"""Figures of queues, as somebody sees them who watches."""

from datetime import timedelta

from casework.agents import Complete, Fail
from casework.agents.results import Returned
from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus
from casework.service import figures
from casework.service.figures import Figures
from factories import SETTINGS, TEAM, a_queue, an_attempt, claim, finish, some_cases, worked_queue


def a_watch(db):
    return Figures(db, SETTINGS, fresh_seconds=0)


def done(db, outcome):
    (message,) = claim(db)
    finish(db, an_attempt(db, message), Returned(outcome))


def test_shows_cases_consumers_and_what_ended(db, clock):
    queue, _ = worked_queue(db, concurrency=3)
    some_cases(db, queue, 1)
    done(db, Complete())
    some_cases(db, queue, 1)
    done(db, Fail("broken"))
    some_cases(db, queue, 1)
    clock.forward(90)
    (found,) = a_watch(db).of_team(TEAM)
    assert found.cases[CaseStatus.COMPLETED] == found.cases[CaseStatus.FAILED] == Count(1)
    assert (found.ended, found.failed, len(found.minutes)) == (2, 1, figures.MINUTES)
    assert found.oldest_pending == timedelta(seconds=90)
    assert [(one.agent_name, one.used_slots, one.concurrency) for one in found.consumers] == [("worker", 0, 3)]
    assert found.stands_still is not None


def test_a_queue_without_cases_has_zeros_and_stands_not_still(db):
    a_queue(db)
    (found,) = a_watch(db).of_team(TEAM)
    assert (found.ended, found.oldest_pending, found.stands_still) == (0, None, None)
    assert set(found.cases) == set(CaseStatus)


def test_a_run_moves_to_the_left_and_out_as_the_hour_passes(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 1)
    done(db, Complete())
    watch = a_watch(db)
    places = []
    for minutes in (0, 1, 10, 48, 1):
        clock.forward(60 * minutes)
        (found,) = watch.of_team(TEAM)
        places.append([place for place, minute in enumerate(found.minutes) if minute.completed])
    assert places == [[59], [58], [48], [0], []]


def test_counts_a_run_that_ends_after_somebody_looked_at_its_minute(db, clock):
    queue, _ = worked_queue(db)
    watch = a_watch(db)
    for _ in range(2):
        watch.of_team(TEAM)
        some_cases(db, queue, 1)
        done(db, Complete())
    clock.forward(60)
    (found,) = watch.of_team(TEAM)
    assert found.minutes[-2].completed == 2


def test_many_who_watch_share_one_look(db):
    a_queue(db)
    watch = Figures(db, SETTINGS, fresh_seconds=60)
    first = watch.of_team(TEAM)
    a_queue(db, "new")
    assert watch.of_team(TEAM) is first
    assert "new" in [one.queue.name for one in watch.of_team(TEAM, fresh=True)]
