"""Whatever stands in Redis: it is passed on as a message of casework's, or thrown away; nothing raises."""

import json
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from kombu.utils.scheduling import cycle_by_name

from casework.broker.envelope import RUN_TASK, TICK_TASK
from casework.broker.listener import run_ids
from casework.broker.transport import Channel, Transport
from casework.core.effects import RunMessage
from casework.worker.messages import read_bundle

BODY = "W1tdLHt9LHt9XQ=="
"""Arguments as Celery packs them, in base64."""

fuzz = settings(max_examples=300, derandomize=True, database=None, deadline=None)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.uuids().map(str)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["__type__", "__value__", "bind"]), inner, max_size=4)
    ),
    max_leaves=8,
)
TYPED = st.fixed_dictionaries(
    {"__type__": st.sampled_from(["uuid", "datetime", "date", "time", "decimal", "x"]) | ANY, "__value__": ANY}
)


def near(**parts):
    """A mapping of these parts, of which some are missing, and some are anything."""
    return st.fixed_dictionaries({}, optional={name: part | ANY for name, part in parts.items()})


MESSAGES = near(
    body=st.sampled_from(["W10=", BODY, "=", "\u00e9"]),
    headers=near(task=st.sampled_from([RUN_TASK, TICK_TASK]), id=st.just("1"), eta=ANY, timelimit=ANY, compression=ANY),
    properties=near(delivery_info=near(routing_key=ANY), delivery_tag=ANY, body_encoding=ANY, priority=ANY),
)


class Delivering(Transport):
    """A transport whose consumer is the test."""

    def __init__(self):
        self.delivered = []
        self._callbacks = {"runs": self.delivered.append}


class Reading(Channel):
    """A channel that has this element of a list to read."""

    connection_errors = (OSError,)

    def __init__(self, transport, element):
        self.connection = transport
        self.client = SimpleNamespace(connection=None, parse_response=lambda *_: (b"runs", element))
        self._queue_cycle = cycle_by_name("round_robin")(["runs"])
        self._in_poll = True

    def _flush_brpop_reauth(self):
        pass


def read(element):
    """What is delivered of an element of a list."""
    transport = Delivering()
    assert Reading(transport, element)._brpop_read() is True
    return transport.delivered


@fuzz
@given(st.binary(max_size=200) | (ANY | TYPED | MESSAGES).map(lambda value: json.dumps(value).encode()))
def test_an_element_of_a_list_is_a_message_or_is_thrown_away(element):
    for message in read(element):
        assert set(message["headers"]) == {"lang", "task", "id"}
        assert message["headers"]["task"] in (RUN_TASK, TICK_TASK)
        assert isinstance(message["body"], str)


def test_a_message_near_enough_to_ours_is_passed_on():
    message = {
        "body": BODY,
        "headers": {"task": RUN_TASK, "id": "1"},
        "properties": {"delivery_info": {}, "delivery_tag": 1},
    }
    assert len(read(json.dumps(message).encode())) == 1


@fuzz
@given(ANY | st.lists(st.tuples(st.uuids().map(str) | ANY, st.integers(-1, 2**32) | ANY).map(list), max_size=5))
def test_arguments_are_runs_and_attempts_or_nothing(runs):
    found = read_bundle(runs)
    assert all(isinstance(one, RunMessage) and 0 < one.attempt < 2**31 for one in found)
    assert len(found) <= (len(runs) if isinstance(runs, list) else 0)


@fuzz
@given(
    st.binary(max_size=200)
    | ANY
    | st.lists(st.uuids().map(str) | st.text(max_size=9), max_size=5).map(",".join).map(str.encode)
)
def test_a_stop_message_is_ids_of_runs_or_nothing(data):
    parts = data.count(b",") + 1 if isinstance(data, bytes) else 1
    assert len(run_ids(data)) <= parts
