"""The seam for what happens: every event reaches every subscriber, and none of them costs the others anything."""

import logging
from uuid import uuid4

import pytest

from casework import events, log


@pytest.fixture
def subscribed():
    added = []

    def subscribe(subscriber):
        events.subscribe(subscriber)
        added.append(subscriber)

    yield subscribe
    for subscriber in added:
        events.unsubscribe(subscriber)


def test_event_reaches_each_subscriber_once(subscribed):
    seen, counts = [], events.Counts()
    subscribed(seen.append)
    subscribed(counts)
    subscribed(counts)
    event = events.CasesClaimed(3)
    events.emit(event)
    assert seen == [event]
    assert counts.by_action == {"cases.claimed": 1}


def test_subscriber_that_fails_costs_nobody_the_event(subscribed, caplog):
    seen = []
    subscribed(lambda event: 1 / 0)
    subscribed(seen.append)
    events.emit(events.CasesClaimed(1))
    assert len(seen) == 1
    assert "events.subscriber_failed" in caplog.text


def test_log_line_has_the_action_and_the_values(caplog):
    caplog.set_level(logging.DEBUG, logger="casework")
    run = uuid4()
    events.emit(events.RunLost(run, 2, "w"))
    (record,) = caplog.records
    assert (record.message, record.levelno) == ("run.lost", logging.WARNING)
    assert record.ids == {"run": run, "attempt": 2, "worker": "w"}


def test_each_event_has_an_action_of_its_own():
    found = [value for value in vars(events).values() if isinstance(value, type) and issubclass(value, events.Event)]
    actions = [event.action for event in found if event is not events.Event]
    assert len(actions) == len(set(actions)) > 20
    assert all("." in action for action in actions)


@pytest.fixture
def nobody():
    """No subscriber but those of the test."""
    events.unsubscribe(log.record)
    yield
    events.subscribe(log.record)


def test_an_event_is_wanted_if_a_subscriber_wants_its_kind(nobody):
    seen = []
    assert not events.is_wanted(events.RunEnded)
    events.subscribe(seen.append, lambda kind: kind is events.RunEnded)
    try:
        assert events.is_wanted(events.RunEnded)
        assert not events.is_wanted(events.CasesClaimed)
    finally:
        events.unsubscribe(seen.append)
