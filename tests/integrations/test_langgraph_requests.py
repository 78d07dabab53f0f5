"""What a graph may ask with: LangChain's review of tool calls, casework's requests, and any other value."""

from typing import Annotated, Any, Literal

import pytest
from langgraph.types import interrupt
from pydantic import BaseModel, Discriminator
from typing_extensions import TypedDict

from casework import Action, Decision, Fail, Request
from casework.core.lifecycle import CaseStatus
from casework.core.model import RequestKind
from casework.testing import Answering
from integrations.graphs import graph_of, played

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
