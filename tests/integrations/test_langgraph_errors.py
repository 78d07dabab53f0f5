"""Questions of a graph beside failures, and interrupts that a node swallows."""

from typing import Any

import pytest
from langgraph.errors import GraphBubbleUp
from langgraph.graph import START
from langgraph.types import RetryPolicy, interrupt

from casework import Transient
from casework.core.lifecycle import CaseStatus
from integrations.graphs import graph_of, played, titles


def test_a_failure_after_an_answer_does_not_spend_the_answer():
    tries = []

    def node(_: Any) -> Any:
        first = interrupt("First?")
        tries.append(first)
        if len(tries) == 1:
            raise ConnectionError("away")
        return {"done": [first, interrupt("Second?")]}

    result = played(graph_of({"node": node}), {"First?": "1", "Second?": "2"})
    assert result.reason == "['1', '2']"
    assert titles(result) == ["First?", "Second?"]


def test_a_retried_node_asks_nothing_twice():
    tries = []

    def node(_: Any) -> Any:
        answer = interrupt("Really?")
        tries.append(answer)
        if len(tries) == 1:
            raise ConnectionError("away")
        return {"done": [answer]}

    builder = graph_of({})
    builder.add_node("node", node, retry_policy=RetryPolicy(max_attempts=3, initial_interval=0.001))
    builder.add_edge(START, "node")
    result = played(builder, {"Really?": "yes"})
    assert result.reason == "['yes']"
    assert titles(result) == ["Really?"]
    assert result.failed == []


def test_a_question_beside_an_error_is_not_lost():
    tries = []

    def asks(_: Any) -> Any:
        return {"done": [interrupt("Really?")]}

    def fails(_: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise Transient("away")
        return {"done": ["worked"]}

    graph = graph_of({"asks": asks, "fails": fails}, (START, "asks"), (START, "fails"))
    result = played(graph, {"Really?": "yes"})
    assert result.reason == "['yes', 'worked']"
    assert titles(result) == ["Really?"]
    assert tries == [1, 1]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_that_a_node_swallows_fails_the_case(is_async: bool):
    later = []

    def swallows(_: Any) -> Any:
        try:
            return {"done": [interrupt("Really?")]}
        except Exception:
            return {"done": ["swallowed"]}

    async def swallows_too(state: Any) -> Any:
        return swallows(state)

    nodes = {"swallows": swallows_too if is_async else swallows, "later": lambda _: later.append(1)}
    result = played(graph_of(nodes))
    assert result.status is CaseStatus.FAILED
    assert "The node 'swallows' asked 'Really?' and caught the interrupt itself" in result.reason
    assert later == []


def test_an_interrupt_swallowed_around_a_graph_in_a_node_fails_the_case():
    inner = graph_of({"asks": lambda _: {"done": [interrupt("Really?")]}}).compile()

    def outer(state: Any) -> Any:
        try:
            return inner.invoke(state)
        except Exception:
            return {"done": ["swallowed"]}

    result = played(graph_of({"outer": outer}))
    assert result.status is CaseStatus.FAILED
    assert "The node 'asks' asked 'Really?'" in result.reason


def test_a_node_that_lets_interrupts_through_may_catch_the_rest():
    def node(_: Any) -> Any:
        try:
            return {"done": [interrupt("Really?")]}
        except GraphBubbleUp:
            raise
        except Exception:
            return {"done": ["caught"]}

    assert played(graph_of({"node": node}), {"Really?": "yes"}).reason == "['yes']"
