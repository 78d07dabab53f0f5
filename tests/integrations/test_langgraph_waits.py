"""Questions of a graph: each is asked once, and its answer goes to it and to no other."""

import asyncio
import threading
import time
from typing import Annotated, Any, Literal

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.errors import GraphBubbleUp
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import RetryPolicy, interrupt
from pydantic import BaseModel, Discriminator
from typing_extensions import TypedDict

from casework import Action, Complete, Decision, Fail, Request, Transient
from casework.core.lifecycle import CaseStatus
from casework.core.model import RequestKind
from casework.integrations.langgraph import durable
from casework.testing import Answering, run_agent
from integrations.graphs import graph_of, played


def titles(result: Any) -> list[str]:
    return [one.title for one in result.requests]


def notices(result: Any) -> list[str]:
    return [one.content["text"] for one in result.messages if one.type == "notice"]


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


REVIEW = {
    "action_requests": [
        {"name": "pay", "args": {"to": "Alice"}, "description": "Pays Alice"},
        {"name": "mail", "args": {"to": "Bob"}},
        {"name": "ask", "args": {}},
    ],
    "review_configs": [
        {"action_name": "pay", "allowed_decisions": ["approve", "edit", "reject"]},
        {"action_name": "mail", "allowed_decisions": ["approve", "reject"]},
        {"action_name": "ask", "allowed_decisions": ["respond"]},
    ],
}


def test_langchains_review_of_tool_calls_is_a_group_of_approvals():
    result = played(
        graph_of({"node": lambda _: {"done": [interrupt(REVIEW)]}}),
        {
            "Run the tool pay?": Answering(decision=Decision.EDIT, arguments={"to": "Carol"}),
            "Run the tool mail?": Answering(decision=Decision.REJECT, message="not now"),
            "Run the tool ask?": Answering(decision=Decision.RESPOND, value="42"),
        },
    )
    assert result.attempts == 2
    assert result.requests[0].action == Action(name="pay", arguments={"to": "Alice"})
    assert result.requests[0].description == "Pays Alice"
    assert result.requests[1].decisions == (Decision.APPROVE, Decision.REJECT)
    decisions = [
        {"type": "edit", "edited_action": {"name": "pay", "args": {"to": "Carol"}}},
        {"type": "reject", "message": "not now"},
        {"type": "respond", "message": "42"},
    ]
    assert result.reason == repr([{"decisions": decisions}])


def test_langchains_approval_of_one_tool_call():
    value = {"type": "tool_approval", "tool_call_id": "1", "name": "pay", "args": {"to": "Alice"}, "description": "d"}
    result = played(graph_of({"node": lambda _: {"done": [interrupt(value)]}}), {"Run the tool pay?": True})
    assert result.reason == "[{'type': 'approve'}]"


class Approve(TypedDict):
    type: Literal["approve"]


class EditedAction(BaseModel):
    name: Literal["pay"]
    args: dict[str, int]


class Edit(TypedDict):
    type: Literal["edit"]
    edited_action: EditedAction


def test_the_schema_of_a_tool_approval_says_what_may_be_decided():
    value = {"type": "tool_approval", "tool_call_id": "1", "name": "pay", "args": {"amount": 5}, "description": "d"}

    def node(_: Any) -> Any:
        either: Any = Annotated[Approve | Edit, Discriminator("type")]
        first = interrupt(value, response_schema=either)
        return {"done": [first["edited_action"].args, interrupt(value, response_schema=Approve)]}

    answers = iter([Answering(arguments={"amount": 3}), True])
    result = played(graph_of({"node": node}), lambda _: next(answers))
    assert result.reason == repr([{"amount": 3}, {"type": "approve"}]), result.error
    assert [one.decisions for one in result.requests] == [(Decision.APPROVE, Decision.EDIT), (Decision.APPROVE,)]
    assert result.requests[0].action.schema["additionalProperties"] == {"type": "integer"}


def test_a_request_of_caseworks_gives_its_answer():
    request = Request(kind=RequestKind.APPROVAL, title="Pay?", action=Action(name="pay", arguments={"amount": 5}))

    def node(_: Any) -> Any:
        answer = interrupt(request)
        both = interrupt([Request(title="Why?"), Request(title="When?")])
        return {"done": [answer.decision, dict(answer.arguments), [one.value for one in both]]}

    result = played(graph_of({"node": node}), {"Pay?": True, "Why?": "because", "When?": "now"})
    assert result.reason == repr([Decision.APPROVE, {"amount": 5}, ["because", "now"]])


def test_fields_of_a_request_in_a_mapping():
    def node(_: Any) -> Any:
        approved = interrupt({"title": "Fine?", "kind": "approval"})
        edited = interrupt(
            {"title": "Pay?", "action": {"name": "pay", "arguments": {"n": 1}}, "decisions": ["approve", "edit"]}
        )
        chosen = interrupt({"question": "Which?", "draft": "the draft"})
        return {"done": [approved, edited["decision"], edited["arguments"], chosen]}

    answers = {"Fine?": False, "Pay?": Answering(arguments={"n": 2}), "Which?": "this"}
    result = played(graph_of({"node": node}), answers)
    assert result.reason == repr([False, "edit", {"n": 2}, "this"])
    assert "the draft" in result.requests[-1].description


def test_the_schema_of_an_interrupt_is_that_of_the_form():
    class Size(BaseModel):
        width: int

    def node(_: Any) -> Any:
        size = interrupt("How wide?", response_schema=Size)
        again = interrupt("And then?", response_schema={"type": "integer"})
        return {"done": [size.width, again]}

    result = played(graph_of({"node": node}), {"How wide?": {"width": 3}, "And then?": 4})
    assert result.reason == "[3, 4]"
    assert [one.kind for one in result.requests] == [RequestKind.FORM] * 2
    assert result.requests[0].schema["properties"]["width"]["type"] == "integer"


def test_any_other_value_is_shown_as_json():
    result = played(graph_of({"node": lambda _: {"done": [interrupt([1, {"a": None}])]}}), lambda _: "fine")
    assert result.reason == "['fine']"
    assert result.requests[0].title == "The node node waits for an answer"
    assert '"a": null' in result.requests[0].description


def test_a_request_with_wrong_fields_fails_the_case_and_says_which():
    result = played(graph_of({"node": lambda _: {"done": [interrupt({"title": "What?", "optoins": ["a"]})]}}))
    assert result.status is CaseStatus.FAILED
    assert "optoins" in result.reason


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_breakpoint_asks_whether_to_go_on(where: str):
    nodes = {"first": lambda _: {"done": [1]}, "second": lambda _: {"done": [2]}}
    node = "second" if where == "before" else "first"
    graph = graph_of(nodes).compile(**{f"interrupt_{where}": [node]})
    assert played(graph, {"Go on with second?": True}).reason == "[1, 2]"
    refused = played(graph, {"Go on with second?": False})
    assert refused.outcome == Fail("Not approved: Go on with second?")


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
