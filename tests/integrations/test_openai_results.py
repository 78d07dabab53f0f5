"""Results of the OpenAI Agents SDK that are kept reach the model and the author as they were."""

import asyncio
import json
from typing import Any

import pytest
from agents import (
    Agent,
    CustomTool,
    ModelResponse,
    ShellTool,
    ToolOutputImage,
    ToolOutputText,
    Usage,
    function_tool,
)
from agents.items import TResponseOutputItem
from agents.testing import function_call
from openai.types.responses import ResponseCustomToolCall
from pydantic import BaseModel, TypeAdapter

from casework import Complete, Decision
from casework.core.lifecycle import CaseStatus
from casework.integrations.openai_agents import durable
from casework.integrations.openai_agents.responses import kept_response, response_of
from casework.testing import Answering, run_agent
from integrations.openai_script import Script, call, outputs, pause, run_with, says


def test_a_time_out_and_a_cancellation_are_results_too():
    done = []

    @function_tool(timeout=0.05)
    async def slow() -> str:
        done.append("slow")
        await asyncio.sleep(60)
        return "never"

    @function_tool
    async def cancelled() -> str:
        done.append("cancelled")
        raise asyncio.CancelledError

    @function_tool
    async def fails() -> str:
        done.append("fails")
        raise ValueError("no such account")

    model, result = run_with(
        [slow, cancelled, fails, pause],
        [call("slow", "s1"), call("cancelled", "c1"), call("fails", "f1"), call("pause", "p1")],
        says("done"),
    )
    assert sorted(done) == ["cancelled", "fails", "slow"]
    told = outputs(model)
    assert "timed out" in told["s1"]
    assert "An error occurred" in told["c1"] and "An error occurred" in told["f1"]
    errors = [one.content["error"] for one in result.messages if one.type == "tool_result"]
    assert "ValueError: no such account" in errors


class Account(BaseModel):
    name: str


@pytest.mark.parametrize(
    "value",
    [
        "text",
        12,
        None,
        {"a": [1, 2.5, None]},
        ("a", 1),
        {1: "a"},
        Account(name="Ann"),
        ToolOutputText(text="parts"),
        [ToolOutputText(text="parts"), ToolOutputImage(image_url="data:,")],
    ],
    ids=repr,
)
def test_the_model_is_told_the_same_about_a_result_that_was_replayed(value):
    @function_tool
    async def gives() -> Any:
        return value

    first, _ = run_with([gives], [call("gives", "g1")], says("done"))
    replayed, _ = run_with([gives, pause], [call("gives", "g1"), call("pause", "p1")], says("done"))
    assert outputs(replayed)["g1"] == outputs(first)["g1"]


def test_a_custom_tool_is_a_step():
    done = []

    async def writes(context, text):
        done.append(text)
        return f"wrote {text}"

    custom = CustomTool(name="writes", description="writes", on_invoke_tool=writes)
    made = ResponseCustomToolCall(type="custom_tool_call", call_id="w1", name="writes", input="a poem")
    _, result = run_with([custom, pause], [made, call("pause", "p1")], says("done"))
    assert (done, result.status) == (["a poem"], CaseStatus.COMPLETED)


def test_a_tool_whose_work_cannot_be_kept_is_refused():
    async def shell(request):
        return "never"

    _, result = run_with([ShellTool(executor=shell)], says("done"))
    assert result.status is CaseStatus.FAILED
    assert "has the tool 'shell' (ShellTool), which works on this machine" in result.reason


def test_text_that_a_database_cannot_hold_is_kept_escaped():
    @function_tool
    async def odd() -> str:
        return "nul \0 and half a sign \ud83d"

    model, result = run_with([odd, pause], [call("odd", "o1"), call("pause", "p1")], says("nul \0 here"))
    assert result.status is CaseStatus.COMPLETED, result.error
    assert model.calls == 2


KNOWN = [
    {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "xx"},
    {"type": "function_call", "id": "f1", "call_id": "c1", "name": "n", "arguments": "{}", "of_a_provider": {"a": 1}},
    {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "mcp_call", "id": "m1", "name": "n", "arguments": "{}", "server_label": "s", "output": "o"},
]


def test_responses_are_kept_with_all_that_they_hold():
    """Also with a type of item that only a newer model gives."""
    items = [TypeAdapter(TResponseOutputItem).validate_python(one) for one in KNOWN]
    new = {"type": "of_tomorrow", "id": "t1", "more": [1]}
    response = ModelResponse([], Usage(requests=1, input_tokens=7), "resp_1", "req_1")
    response.output = [*items, new]
    again = response_of(json.loads(json.dumps(kept_response(response))))
    assert again.output == [*items, new]
    assert [one.model_dump(exclude_unset=True) for one in again.output[:-1]] == KNOWN
    assert (again.usage.input_tokens, again.response_id, again.request_id) == (7, "resp_1", "req_1")


def test_what_a_person_edited_or_responded_is_kept_with_the_call():
    done = []

    @function_tool(needs_approval=True)
    async def pay(to: str) -> str:
        done.append(to)
        return f"paid {to}"

    model = Script([call("pay", "p1", to="Ann"), call("pay", "p2", to="Bob")], says("done"))
    agent = durable(Agent(name="clerk", model=model, tools=[pay]), input=lambda case: "hi")
    given = {"p1": Answering(arguments={"to": "Cleo"}), "p2": Answering(decision=Decision.RESPOND, value="by hand")}
    result = run_agent(
        agent, answers=lambda request: given[request.key[:2]], kill_after_step=["tool pay p1", "tool pay p2"]
    )
    assert (done, result.outcome) == (["Cleo"], Complete("done"))
    assert outputs(model) == {"p1": "paid Cleo", "p2": "by hand"}


def test_a_model_call_that_failed_and_is_made_again_is_one_step():
    model = Script(ConnectionError("away"), says("done"))
    agent = durable(Agent(name="clerk", model=model), input=lambda case: "hi")

    def comes_back(_):
        model.answers[0] = [says("done")]

    result = run_agent(agent, sleep=comes_back)
    assert (result.status, list(result.steps), result.usage.requests) == (
        CaseStatus.COMPLETED,
        ["model 1"],
        1,
    )


def test_calls_with_one_id_and_other_content_are_not_taken_for_each_other():
    """Which the SDK refuses in one conversation; runs of their own may do it."""
    done = []

    @function_tool
    async def look(what: str) -> str:
        done.append(what)
        return what

    inner = Script([function_call("look", {"what": "in"}, call_id="x")], says("in"))
    agent = Agent(name="inner", model=inner, tools=[look])
    outer = Script([call("look", "x", what="out"), call("bank", "b1", input="go"), call("pause", "p1")], says("done"))
    run_agent(
        durable(
            Agent(name="outer", model=outer, tools=[look, pause, agent.as_tool("bank", "x")]), input=lambda case: "hi"
        ),
        answers=lambda request: True,
    )
    assert sorted(done) == ["in", "out"]
