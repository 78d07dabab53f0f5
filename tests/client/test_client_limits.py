"""Limits, with both clients, against the real API."""

import pytest

from casework.client import InvalidRequest, NotFound


def test_sets_lists_and_deletes_limits(remote, queue, agent):
    made = remote.set_limit(queue="inbox", key="label:customer", concurrency=2, rate={"count": 10, "seconds": 60.0})
    assert (made["queue_id"], made["concurrency"]) == (queue, 2)
    assert made["rate"] == {"count": 10, "seconds": 60.0, "burst": 1}
    whole = remote.set_limit(agent="remote", concurrency=1)
    assert whole["agent_id"] == agent
    assert remote.list_limits() == remote.list_limits(queue) == remote.list_limits("inbox") == [made, whole]
    remote.delete_limit(made["id"])
    assert remote.list_limits() == [whole]


def test_says_what_a_limit_lacks(remote, queue):
    with pytest.raises(InvalidRequest, match="a queue, an agent, or both"):
        remote.set_limit(concurrency=1)
    with pytest.raises(NotFound):
        remote.set_limit(queue="nope", concurrency=1)
