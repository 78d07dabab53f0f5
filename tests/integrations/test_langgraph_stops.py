"""Stopping a graph: at once where it waits, after the end of a plain node, and never hidden by what catches errors."""

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from casework import Complete
from casework.core.lifecycle import CaseStatus
from casework.errors import RunLost
from casework.integrations.langgraph import current_run
from integrations.graphs import graph_of, played

LONG = 60
"""Seconds that no test waits: it is stopped before."""


def swallowed() -> None:
    """The point at which the tests stop the run, which the node does not let through."""
    try:
        current_run().check()
    except BaseException:
        return


def test_a_node_that_waits_is_stopped_at_once_and_done_again_elsewhere():
    ran: list[str] = []

    async def waits(_: Any) -> Any:
        ran.append("begins")
        swallowed()
        if len(ran) == 1:
            await asyncio.sleep(LONG)
        return {"done": ["waited"]}

    began = time.monotonic()
    result = played(graph_of({"waits": waits}), release_at="check")
    assert (result.reason, result.failed, result.attempts) == ("['waited']", [], 2)
    assert time.monotonic() - began < LONG / 2


def test_a_plain_node_is_waited_for_and_what_it_did_is_kept():
    ran: list[str] = []

    def blocks(_: Any) -> Any:
        swallowed()
        time.sleep(0.1)
        ran.append("blocked")
        return {"done": ["blocked"]}

    def later(_: Any) -> Any:
        ran.append(f"later in {current_run().attempt}")
        return {"done": ["later"]}

    result = played(graph_of({"blocks": blocks, "later": later}), release_at="check")
    assert result.reason == "['blocked', 'later']"
    assert ran == ["blocked", "later in 2"]


def test_a_plain_node_is_kept_although_one_beside_it_is_cancelled():
    ran: list[str] = []
    waits_now = threading.Event()

    def blocks(_: Any) -> Any:
        assert waits_now.wait(LONG)
        swallowed()
        ran.append("blocked")
        return {"done": ["blocked"]}

    async def waits(_: Any) -> Any:
        ran.append("waits")
        waits_now.set()
        if ran.count("waits") == 1:
            await asyncio.sleep(LONG)
        return {"done": ["waited"]}

    graph = graph_of({"blocks": blocks, "waits": waits}, (START, "blocks"), (START, "waits"))
    assert played(graph, release_at="check").reason == "['blocked', 'waited']"
    assert ran == ["waits", "blocked", "waits"]


def test_a_person_who_stops_it_ends_it():
    later: list[int] = []
    nodes = {"first": lambda _: swallowed(), "later": lambda _: later.append(1)}
    result = played(graph_of(nodes), stop_at="check")
    assert (result.status, result.reason) == (CaseStatus.FAILED, "stopped by a person")
    assert later == []


def calling(*tools: Any) -> Any:
    """A graph that calls the tools in one message, and gives their errors to the model."""
    builder: Any = StateGraph(MessagesState)
    made = [{"name": one.name, "args": {}, "id": one.name} for one in tools]
    builder.add_node("model", lambda _: {"messages": [AIMessage("", tool_calls=made)]})
    builder.add_node("tools", ToolNode(list(tools), handle_tool_errors=True))
    builder.add_node("end", lambda state: {"messages": [AIMessage(str(state["messages"][-1].text))]})
    for start, end in ((START, "model"), ("model", "tools"), ("tools", "end")):
        builder.add_edge(start, end)
    return builder


LAST: Any = {"output": lambda state: Complete(str(state["messages"][-1].text))}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_lost_case_is_not_hidden_by_a_tools_error_handler(is_async: bool):
    told: list[type[BaseException]] = []

    def say() -> str:
        try:
            current_run().say("I am still here")
        except BaseException as error:
            told.append(type(error))
            raise RunLost from error
        return "said"

    @tool
    def plain() -> str:
        """Speak."""
        return say()

    @tool
    async def awaited() -> str:
        """Speak."""
        return say()

    result = played(calling(awaited if is_async else plain), made=LAST, stop_at="say")
    assert told
    assert (result.status, result.reason) == (CaseStatus.FAILED, "stopped by a person")


def test_a_question_of_the_run_is_not_hidden_by_error_handlers():
    @tool
    def asks() -> str:
        """Ask."""
        return current_run().ask("Really?", key="really")

    result = played(calling(asks), {"really": "yes"}, made=LAST)
    assert result.reason == "yes", result.error


@pytest.mark.parametrize("beside", [False, True])
def test_a_question_of_the_run_is_not_hidden_by_a_nodes_error_handler(beside: bool):
    def asks(_: Any) -> Any:
        return {"done": [current_run().ask("Really?", key="really")]}

    async def handles(_: Any, error: Any = None) -> Any:
        return {"done": ["handled"]}

    builder = graph_of({"other": lambda _: {}} if beside else {}, *([(START, "other")] if beside else []))
    builder.add_node("asks", asks, error_handler=handles)
    builder.add_edge(START, "asks")
    assert played(builder, {"really": "yes"}).reason == "['yes']"


def test_there_is_no_current_run_outside_of_one():
    with pytest.raises(LookupError):
        current_run()
