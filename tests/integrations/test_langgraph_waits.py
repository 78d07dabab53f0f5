"""Questions of a graph: each is asked once, and its answer goes to it and to no other."""

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import interrupt

from casework import Complete
from casework.core.lifecycle import CaseStatus
from casework.integrations.langgraph import durable
from casework.testing import Answering, run_agent
from integrations.graphs import graph_of, notices, played, titles


def test_each_answer_of_a_node_goes_to_its_own_question():
    ran = []

    def node(_: Any) -> Any:
        ran.append("first")
        first = interrupt("What is first?")
        ran.append("second")
        return {"done": [first, interrupt("What is second?")]}

    result = played(graph_of({"node": node}), {"What is first?": "1", "What is second?": "2"})
    assert result.reason == "['1', '2']"
    assert titles(result) == ["What is first?", "What is second?"]
    # Once more for each question: what comes before a question is done again.
    assert ran == ["first", "first", "second", "first", "second"]


def test_questions_of_parallel_nodes_are_one_group():
    def asking(name: str) -> Any:
        return lambda _: {"done": [(name, interrupt(f"What is {name}?"))]}

    ran = []
    nodes = {"a": asking("a"), "b": asking("b"), "quick": lambda _: ran.append("quick")}
    graph = graph_of(nodes, *((START, name) for name in nodes))
    asked = played(graph)
    assert asked.status is CaseStatus.NEEDS_INPUT
    assert sorted(titles(asked)) == ["What is a?", "What is b?"]
    ran.clear()
    result = played(graph, {"What is a?": "A", "What is b?": "B"})
    assert result.reason == "[('a', 'A'), ('b', 'B')]"
    assert result.attempts == 2
    assert ran == ["quick"]


@pytest.mark.parametrize("answer", ["", "0", 0, False, [], {}, None, 0.0, {"a" * 32: 1}])
def test_an_answer_arrives_as_it_was_given(answer: Any):
    schema: dict[str, Any] = {}
    got = []

    def node(_: Any) -> Any:
        got.append(interrupt({"title": "What?", "kind": "form", "schema": schema}))
        return {"done": [interrupt("And then?")]}

    played(graph_of({"node": node}), {"What?": Answering(value=answer), "And then?": "x"})
    assert got == [answer, answer]
    assert [type(one) for one in got] == [type(answer)] * 2


def test_a_question_that_took_anothers_place_gets_no_answer_of_it():
    questions = ["Pay Alice?"]

    def node(_: Any) -> Any:
        return {"done": [(one, interrupt(one)) for one in list(questions)]}

    def answer(request: Any) -> Any:
        if request.title == "Pay Alice?":
            questions[:] = ["Delete the database?"]
            return "yes"
        return "no"

    result = played(graph_of({"node": node}), answer)
    assert result.reason == "[('Delete the database?', 'no')]"
    assert notices(result) == [
        "The node 'node' asks 'Delete the database?', where it asked 'Pay Alice?'. The answer to that is not used here.",
        "The node 'node' did not ask 'Pay Alice?' again. The answer to it is not used.",
    ]


def test_a_question_that_is_left_out_is_told():
    questions = ["Pay Alice?"]

    def node(_: Any) -> Any:
        return {"done": [interrupt(one) for one in list(questions)]}

    def answer(_: Any) -> Any:
        questions.clear()
        return "yes"

    result = played(graph_of({"node": node}), answer)
    assert result.reason == "[]"
    assert notices(result) == ["The node 'node' did not ask 'Pay Alice?' again. The answer to it is not used."]


def test_a_question_before_an_answered_one_is_asked_alone():
    questions = ["Pay Alice?"]

    def node(_: Any) -> Any:
        return {"done": [(one, interrupt(one)) for one in list(questions)]}

    def answer(request: Any) -> Any:
        questions[:] = ["Delete the database?", "Pay Alice?"]
        return {"Pay Alice?": "yes", "Delete the database?": "no"}[request.title]

    result = played(graph_of({"node": node}), answer)
    assert result.reason == "[('Delete the database?', 'no'), ('Pay Alice?', 'yes')]"
    assert titles(result) == ["Pay Alice?", "Delete the database?"]


def test_a_key_is_the_question_whatever_its_words():
    tries = []

    def node(_: Any) -> Any:
        tries.append(1)
        return {"done": [interrupt({"title": f"Words of try {len(tries)}", "key": "the one"})]}

    assert played(graph_of({"node": node}), lambda _: "yes").reason == "['yes']"


def test_the_same_question_twice_is_two_questions():
    answers = iter(["1", "2"])

    def node(_: Any) -> Any:
        return {"done": [interrupt("More?"), interrupt("More?")]}

    assert played(graph_of({"node": node}), lambda _: next(answers)).reason == "['1', '2']"


def test_the_same_question_in_a_later_step_is_asked_again():
    answers = iter(["no", "no", "yes"])

    def node(state: Any) -> Any:
        return {"done": [interrupt({"title": "Enough?", "key": "enough"})]}

    builder = graph_of({"node": node}, (START, "node"))
    builder.add_conditional_edges("node", lambda state: "__end__" if state["done"][-1] == "yes" else "node")
    assert played(builder, lambda _: next(answers)).reason == "['no', 'no', 'yes']"


@pytest.mark.parametrize("way", ["as a node", "called", "called async", "twice"])
def test_a_graph_in_a_graph_asks_and_gets_its_answer(way: str):
    ran = []

    def first(_: Any) -> Any:
        ran.append("first")
        return {"done": ["first"]}

    inner = graph_of({"first": first, "asks": lambda _: {"done": [interrupt("Really?")]}}).compile()

    def called(state: Any) -> Any:
        return {"done": inner.invoke({"title": "", "done": []})["done"]}

    async def called_async(state: Any) -> Any:
        return {"done": (await inner.ainvoke({"title": "", "done": []}))["done"]}

    def twice(state: Any) -> Any:
        return {"done": [*called(state)["done"], *called(state)["done"]]}

    node: Any = {"as a node": inner, "called": called, "called async": called_async, "twice": twice}[way]
    answers = iter(["yes", "again"])
    result = played(graph_of({"outer": node}), lambda _: next(answers))
    expected = ["first", "yes", "first", "again"] if way == "twice" else ["first", "yes"]
    assert result.reason == repr(expected)
    assert ran == ["first"] * (2 if way == "twice" else 1)


def asking_tools(order: list[str], paid: list[str]) -> tuple[Any, Any]:
    """Two tools that ask, whose order changes when they run again, and the graph that calls both at once."""
    ready = {"alice": threading.Event(), "bob": threading.Event()}

    @tool
    async def pay(to: str) -> str:
        """Pay."""
        while order[0] != to and not ready[order[0]].is_set():
            await asyncio.sleep(0)
        try:
            answer = interrupt({"title": f"Pay {to}?", "kind": "approval"})
        finally:
            ready[to].set()
        paid.append(f"{to} {answer}")
        return f"{to}: {answer}"

    def calls(_: Any) -> Any:
        made = [{"name": "pay", "args": {"to": to}, "id": to} for to in ("alice", "bob")]
        return {"messages": [AIMessage("", tool_calls=made)]}

    builder: Any = StateGraph(MessagesState)
    builder.add_node("model", calls)
    builder.add_node("tools", ToolNode([pay]))
    builder.add_edge(START, "model")
    builder.add_edge("model", "tools")
    return builder, ready


def test_tools_that_ask_side_by_side_get_their_own_answers_in_any_order():
    order, paid = ["alice", "bob"], []
    builder, ready = asking_tools(order, paid)

    def answer(request: Any) -> bool:
        order.reverse()
        for event in ready.values():
            event.clear()
        return request.title == "Pay alice?"

    result = played(builder, answer, made={"output": lambda state: Complete("paid")})
    assert result.reason == "paid", result.error
    assert sorted(titles(result)) == ["Pay alice?", "Pay bob?"]
    assert sorted(set(paid)) == ["alice True", "bob False"]


def test_questions_of_tools_in_one_message_are_one_group():
    order, paid = ["alice", "bob"], []
    builder, _ = asking_tools(order, paid)
    asked = played(builder, made={"output": lambda state: Complete("paid")})
    assert sorted(titles(asked)) == ["Pay alice?", "Pay bob?"]


def test_the_functional_api_asks_too():
    from langgraph.func import entrypoint, task

    ran = []

    @task
    def draft(title: str) -> str:
        ran.append(title)
        return f"draft of {title}"

    @entrypoint()
    def write(title: str) -> str:
        text = draft(title).result()
        return f"{text}: {interrupt('Fine?')}"

    agent = durable(write, input=lambda case: case.title, output=Complete)
    result = run_agent(agent, title="a letter", answers={"Fine?": "yes"})
    assert result.reason == "draft of a letter: yes"
    assert ran == ["a letter"]


def test_a_plain_sync_sibling_is_waited_for_and_not_done_again():
    ran = []

    def slow(_: Any) -> Any:
        time.sleep(0.05)
        ran.append("slow")
        return {"done": ["slow"]}

    graph = graph_of(
        {"asks": lambda _: {"done": [interrupt("Really?")]}, "slow": slow}, (START, "asks"), (START, "slow")
    )
    assert played(graph, {"Really?": "yes"}).reason == "['yes', 'slow']"
    assert ran == ["slow"]
