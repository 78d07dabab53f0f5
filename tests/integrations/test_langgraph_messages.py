"""What people see of a graph: each message once, what was used once, the words as they come."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt

from casework import Transient
from casework.core.usage import Usage
from casework.integrations.langgraph import durable
from casework.testing import run_agent
from integrations.graphs import graph_of, model, played


def used(text: str = "", **more: Any) -> AIMessage:
    tokens = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return AIMessage(text, usage_metadata=tokens, response_metadata={"model_name": "script"}, **more)


def call(name: str, id: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments, "id": id}


def an_agent(*answers: AIMessage, tools: Any, fails: bool = False, **options: Any) -> Any:
    chat, tries = model(*answers), []

    async def talk(state: Any) -> Any:
        return {"messages": [await chat.ainvoke(state["messages"])]}

    def hiccup(_: Any) -> Any:
        tries.append(1)
        if fails and len(tries) == 1:
            raise Transient("away")
        return {}

    builder: Any = StateGraph(MessagesState)
    for name, node in {"model": talk, "hiccup": hiccup, "tools": ToolNode(tools)}.items():
        builder.add_node(name, node)
    builder.add_edge(START, "model")
    builder.add_edge("model", "hiccup")
    builder.add_conditional_edges("hiccup", tools_condition)
    builder.add_edge("tools", "model")
    return durable(
        builder, input=lambda case: {"messages": [HumanMessage(case.title), AIMessage("an example")]}, **options
    )


@tool
def look(what: str) -> str:
    """Look."""
    return f"saw {what}"


@tool
def asks(what: str) -> str:
    """Ask."""
    return str(interrupt(what))


@tool
def breaks() -> str:
    """Break."""
    raise ValueError("broken")


def told(result: Any) -> list[Any]:
    return [
        (one.type, one.content.get("text") or one.content.get("name") or one.content.get("result"))
        for one in result.messages
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_each_message_is_recorded_once(fails: bool):
    first = used("I look.", tool_calls=[call("look", "1", what="there"), call("asks", "2", what="Really?")])
    result = run_agent(an_agent(first, used("done"), tools=[look, asks], fails=fails), answers={"Really?": "yes"})
    assert result.reason == "done", result.error
    assert told(result) == [
        ("text", "I look."),
        ("tool_call", "look"),
        ("tool_call", "asks"),
        ("tool_result", "saw there"),
        ("tool_result", "yes"),
        ("text", "done"),
    ]
    calls = {one.content["name"]: one.content for one in result.messages if one.type == "tool_call"}
    assert calls["look"]["arguments"] == {"what": "there"}
    assert result.attempts == (3 if fails else 2)


def test_the_same_words_in_another_message_are_another_message():
    again = used("again", tool_calls=[call("look", "1", what="a")])
    result = run_agent(
        an_agent(again, used("again", tool_calls=[call("asks", "2", what="?")]), used("again"), tools=[look, asks]),
        answers={"?": "yes"},
    )
    assert result.said == ["again"] * 3


def test_what_models_used_is_counted_once():
    first = used(tool_calls=[call("asks", "1", what="Really?")])
    result = run_agent(an_agent(first, used("done"), tools=[asks], fails=True), answers={"Really?": "yes"})
    assert result.usage == Usage(20, 10, 2, 0.0, ("script",))


def test_a_model_called_by_a_plain_node_is_counted_too():
    chat = model(used("plain"))
    result = played(graph_of({"node": lambda _: {"done": [str(chat.invoke("hi").text)]}}))
    assert result.reason == "['plain']"
    assert result.usage == Usage(10, 5, 1, 0.0, ("script",))


def test_a_tool_that_fails_is_recorded_as_failed():
    result = run_agent(an_agent(used(tool_calls=[call("breaks", "1")]), used("done"), tools=[breaks]))
    assert "broken" in result.reason


def test_errors_given_to_the_model_are_recorded_as_errors():
    builder: Any = StateGraph(MessagesState)
    chat = model(used(tool_calls=[call("breaks", "1")]), used("done"))
    builder.add_node("model", lambda state: {"messages": [chat.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode([breaks], handle_tool_errors=True))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    result = run_agent(durable(builder, input=lambda case: {"messages": [HumanMessage("hi")]}))
    (failed,) = [one for one in result.messages if one.type == "tool_result"]
    assert "broken" in failed.content["error"]
    assert failed.content["result"] is None


def test_words_are_streamed_as_they_come():
    result = run_agent(an_agent(used("one two three"), tools=[look], stream=True))
    assert result.usage == Usage(10, 5, 1, 0.0, ("script",))
    assert "".join(result.streamed) == "one two three"
    assert len(result.streamed) > 1
    assert result.said == ["one two three"]


def test_messages_of_a_graph_in_a_graph_are_recorded_once():
    chat = model(used("inner"))
    inner = StateGraph(MessagesState)
    inner.add_node("model", lambda state: {"messages": [chat.invoke(state["messages"])]})
    inner.add_edge(START, "model")
    outer: Any = StateGraph(MessagesState)
    outer.add_node("inner", inner.compile())
    outer.add_edge(START, "inner")
    result = run_agent(durable(outer, input=lambda case: {"messages": [HumanMessage("hi")]}))
    assert result.said == ["inner"]
