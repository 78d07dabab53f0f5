"""What the broker delivers and casework did not send is dropped, counted and logged once."""

import base64
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from casework import events
from casework.broker import listener
from casework.broker.listener import Listener, read_nudges, run_ids
from casework.broker.names import Names
from casework.broker.transport import Transport
from casework.core.effects import News
from casework.worker.messages import read_bundle


@pytest.fixture
def emitted():
    seen = []
    events.subscribe(seen.append)
    yield seen
    events.unsubscribe(seen.append)


def coded(text):
    return base64.b64encode(text.encode()).decode()


BODY = coded("[[], {}, null]")
GOOD = {
    "body": BODY,
    "headers": {"task": "casework.run", "id": "1"},
    "properties": {"delivery_info": {}, "delivery_tag": "1"},
}


class Delivering(Transport):
    """A transport whose consumer is the test."""

    def __init__(self):
        self.delivered = []
        self._callbacks = {"runs": self.delivered.append}


@pytest.mark.parametrize(
    "message",
    [
        7,
        "text",
        [],
        {},
        {**GOOD, "headers": None},
        {**GOOD, "headers": {"task": "another.task", "id": "1"}},
        {**GOOD, "headers": {"task": ["casework.run"], "id": "1"}},
        {**GOOD, "body": {"not": "text"}},
        {**GOOD, "properties": {}},
        *(
            {**GOOD, "body": body}
            for body in ("", "W10=", "not base64", coded("[7, {}, {}]"), coded('[[], {}, {"chain": [1]}]'))
        ),
        {**GOOD, "properties": {"delivery_info": "x", "delivery_tag": 1}},
    ],
)
def test_foreign_element_of_a_list_is_thrown_away(message):
    transport = Delivering()
    transport._deliver(message, "runs")
    assert transport.delivered == []
    transport._deliver(GOOD, "runs")
    assert [(one["body"], one["headers"]["task"]) for one in transport.delivered] == [(BODY, "casework.run")]


def test_what_a_foreign_message_asks_of_celery_is_left_out():
    asked = {"eta": "2999-01-01T00:00:00", "timelimit": [0.001, 0.001], "compression": "bzip2", "shadow": "x"}
    message = {**GOOD, "headers": {**GOOD["headers"], **asked}, "content-type": "application/x-python-serialize"}
    transport = Delivering()
    transport._deliver(message, "runs")
    (delivered,) = transport.delivered
    assert not set(asked) & set(delivered["headers"])
    assert delivered["content-type"] == "application/json"


@pytest.mark.parametrize(
    "runs", [None, 7, "text", {}, [[]], [["x", 1]], [[str(uuid4()), "1"]], [[str(uuid4()), -1]], [7]]
)
def test_task_with_foreign_arguments_executes_nothing(runs):
    assert read_bundle(runs) == ()


def test_message_with_a_foreign_part_still_executes_the_others():
    good = uuid4()
    assert read_bundle([["x", 1], [str(good), 2]]) == ((good, 2),)


@pytest.mark.parametrize("data", [b"not-a-uuid", b"", b"\xff\xfe", 7, None])
def test_stop_message_without_a_run_id_is_dropped(data):
    assert run_ids(data) == []


def test_listener_goes_on_behind_a_foreign_stop_message(monkeypatch):
    redis, names, run = FakeRedis(), Names("test:"), uuid4()
    monkeypatch.setattr(listener, "client", lambda url, **options: redis)
    ear = Listener("redis://nowhere", names)
    ear.stopped_runs(0.01)
    redis.publish(names.stops, "not-a-uuid")
    redis.publish(names.stops, f"also-none,{run}")
    heard = [id for _ in range(4) for id in ear.stopped_runs(0.1)]
    assert heard == [run]


def test_flood_of_foreign_messages_is_one_log_line(emitted):
    for _ in range(50):
        run_ids(b"not-a-run")
    told = [event for event in emitted if isinstance(event, events.MessageRejected)]
    assert len(told) <= 1


def test_what_is_no_nudge_still_asks_for_a_tick_about_the_rest(emitted):
    queue = uuid4()
    assert read_nudges([b"x", f"{queue},+".encode()]) == News(frozenset({queue}), freed=True)
