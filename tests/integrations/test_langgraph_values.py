"""What goes into a graph and comes out: state, context and outcome."""

import threading
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel

from casework import Complete
from casework.core.lifecycle import CaseStatus
from casework.integrations.langgraph import durable
from casework.testing import run_agent
from integrations.graphs import graph_of, played


@dataclass
class Address:
    street: str


class Person(BaseModel):
    name: str
    born: date


class Typed(TypedDict, total=False):
    address: Address
    people: list[Person]
    done: list[Any]


def test_objects_in_the_state_come_back_as_what_they_were():
    def makes(_: Any) -> Any:
        return {"address": Address("Elm"), "people": [Person(name="Ann", born=date(2000, 1, 2))]}

    def asks(state: Any) -> Any:
        interrupt("Really?")
        return {"done": [state["address"], state["people"]]}

    result = played(graph_of({"makes": makes, "asks": asks}, state=Typed), {"Really?": "yes"})
    assert result.reason == repr([Address("Elm"), [Person(name="Ann", born=date(2000, 1, 2))]])


class Anything(TypedDict, total=False):
    client: Any
    done: list[Any]


def test_a_value_that_cannot_be_stored_is_told_by_its_name():
    nodes = {"makes": lambda _: {"client": threading.Lock()}, "later": lambda _: {"done": []}}
    result = played(graph_of(nodes, state=Anything))
    assert result.status is CaseStatus.FAILED
    assert "The state 'client' of the graph cannot be stored" in result.reason
    assert "context" in result.reason
    assert "\n" not in result.reason


def test_an_object_that_would_come_back_as_a_mapping_is_refused():
    nodes = {"makes": lambda _: {"client": Address("Elm")}, "asks": lambda s: {"done": [interrupt("?"), s["client"]]}}
    result = played(graph_of(nodes, state=Anything))
    assert "The state 'client' of the graph holds a" in result.reason
    assert "Address" in result.reason
    allowed = played(graph_of(nodes, state=Anything), {"?": "yes"}, made={"types": [Address]})
    assert allowed.reason == repr(["yes", Address("Elm")])


def test_an_object_of_a_type_that_no_module_has_is_refused():
    @dataclass
    class Local:
        street: str

    class Holding(TypedDict, total=False):
        address: Local
        done: list[Any]

    result = played(graph_of({"makes": lambda _: {"address": Local("Elm")}}, state=Holding))
    assert result.status is CaseStatus.FAILED
    assert "Local, which would not be restored" in result.reason


def test_the_context_is_made_in_each_attempt_and_not_stored():
    made = []

    @dataclass
    class Context:
        lock: Any

    def context(case: Any) -> Context:
        made.append(case.title)
        return Context(threading.Lock())

    def node(state: Any, runtime: Any) -> Any:
        with runtime.context.lock:
            return {"done": [interrupt("Really?")]}

    from langgraph.runtime import Runtime

    node.__annotations__["runtime"] = Runtime[Context]
    builder = graph_of({"node": node}, context_schema=Context)
    result = played(builder, {"Really?": "yes"}, made={"context": context})
    assert result.reason == "['yes']"
    assert made == ["a case", "a case"]


def test_input_context_and_config_may_be_async():
    async def made(case: Any) -> Any:
        return {"done": [case.title]}

    async def configured(case: Any) -> Any:
        return {"tags": ["x"]}

    async def output(state: Any) -> Any:
        return Complete("async")

    graph = graph_of({"node": lambda _: {}})
    assert played(graph, made={"input": made, "config": configured, "output": output}).reason == "async"


def test_a_graph_without_an_answer_does_not_complete_its_case():
    builder: Any = StateGraph(MessagesState)
    builder.add_node("node", lambda _: {})
    builder.add_edge(START, "node")
    agent = durable(builder, input=lambda case: {"messages": [HumanMessage("hi")]})
    result = run_agent(agent)
    assert result.status is CaseStatus.FAILED
    assert "The graph ended without an answer" in result.reason


def test_an_output_of_none_does_not_complete_its_case():
    result = played(graph_of({"node": lambda _: {}}), made={"output": lambda _: None})
    assert result.status is CaseStatus.FAILED
    assert "`output` of durable() returned None" in result.reason


def test_the_last_words_of_the_model_are_the_reason():
    builder: Any = StateGraph(MessagesState)
    builder.add_node("node", lambda _: {"messages": [AIMessage("all done")]})
    builder.add_edge(START, "node")
    result = run_agent(durable(builder, input=lambda case: {"messages": [HumanMessage("hi")]}))
    assert result.outcome == Complete("all done")
