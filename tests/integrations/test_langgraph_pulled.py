"""Graphs in pull agents: what they have done lies with the run, over HTTP."""
# ruff: noqa: F811 - fixtures take others by their names

from typing import Any

import pytest
from langgraph.types import interrupt

from casework import Complete
from casework.integrations.langgraph import durable
from client.conftest import (  # noqa: F401 - fixtures
    agent,
    agent_key,
    api,
    async_works,
    client,
    installation,
    python_agent,
    queue,
    sync,
)
from integrations.graphs import given, graph_of, reason_of


@pytest.mark.parametrize("is_async", [False, True])
def test_a_graph_waits_and_goes_on_in_an_async_pull_agent(async_works: Any, sync: Any, queue: Any, is_async: bool):
    ran: list[str] = []

    def first(_: Any) -> Any:
        ran.append("first")
        return {"done": ["first"]}

    def asks(_: Any) -> Any:
        return {"done": [interrupt("Really?")]}

    async def asks_async(state: Any) -> Any:
        return asks(state)

    graph = graph_of({"first": first, "asks": asks_async if is_async else asks})
    handler = durable(graph, input=given, output=reason_of)
    case_id = sync.add_case(queue, "a")["id"]
    assert async_works.awaiting(handler) == 1
    (request,) = sync.list_requests()
    sync.answer(request, "yes")
    assert async_works.awaiting(handler) == 1
    assert sync.get_case(case_id)["events"][-1]["reason"] == "['first', 'yes']"
    assert ran == ["first"]


def test_a_graph_that_a_plain_node_calls_is_refused_by_an_async_pull_agent(async_works: Any, sync: Any, queue: Any):
    inner = graph_of({"inner": lambda _: {"done": [1]}}).compile()
    graph = graph_of({"outer": lambda state: {"done": inner.invoke(state)["done"]}})
    case_id = sync.add_case(queue, "a")["id"]
    async_works.awaiting(durable(graph, input=given, output=lambda state: Complete()))
    assert "make the function async, and use `ainvoke`" in sync.get_case(case_id)["events"][-1]["reason"]
