"""What the OpenAI Agents SDK has done is not done again, wherever the process was killed."""

import asyncio
import json
from typing import Any

import pytest
from agents import (
    Agent,
    CustomTool,
    GuardrailFunctionOutput,
    ModelResponse,
    ModelSettings,
    Runner,
    ShellTool,
    ToolOutputImage,
    ToolOutputText,
    Usage,
    function_tool,
    handoff,
    input_guardrail,
    output_guardrail,
)
from agents.items import TResponseOutputItem
from agents.testing import function_call
from openai.types.responses import ResponseCustomToolCall
from pydantic import BaseModel, TypeAdapter

from casework import Complete, Decision
from casework.core.lifecycle import CaseStatus
from casework.integrations.openai_agents import current_run, durable
from casework.integrations.openai_agents.responses import kept_response, response_of
from casework.testing import Answering, run_agent
from integrations.openai_script import Script, call, outputs, says


class World:
    """Agents with everything that is a step, and what was done."""

    def __init__(self):
        self.done: list[str] = []
        self.inner = Script([call("look", "n1", what="deep"), call("pay", "n2", to="Cleo")], says("inner done"))
        self.guard = Script(says("fine"))
        self.second = Script([], [], [call("pay", "p2", to="Bob")], says("all done"))
        self.first = Script(
            [call("look", "l1", what="rates"), call("blocks", "l2"), call("pay", "p1", to="Ann")],
            [call("bank", "b1", input="go"), call("look", "l3", what="more"), call("transfer_to_second", "t1")],
        )

    def wrote(self, line: str) -> str:
        self.done.append(line)
        return f"{line} done"

    def agent(self) -> Agent[Any]:
        @function_tool
        async def look(what: str) -> str:
            return self.wrote(f"look {what}")

        @function_tool
        def blocks() -> str:
            return self.wrote("blocks")

        @function_tool(needs_approval=True)
        async def pay(to: str) -> str:
            return self.wrote(f"pay {to}")

        @input_guardrail
        async def checks(context, agent, given):
            said = await Runner.run(Agent(name="guard", model=self.guard), "ok?")
            return GuardrailFunctionOutput(self.wrote(f"guard {said.final_output}"), tripwire_triggered=False)

        @output_guardrail
        def checks_output(context, agent, output):
            return GuardrailFunctionOutput(self.wrote("guard output"), tripwire_triggered=False)

        inner = Agent(name="inner", model=self.inner, tools=[look, pay])
        second = Agent(name="second", model=self.second, tools=[pay], output_guardrails=[checks_output])
        return Agent(
            name="first",
            model=self.first,
            tools=[look, blocks, pay, inner.as_tool("bank", "pays")],
            handoffs=[handoff(second, on_handoff=lambda context: self.wrote("on_handoff"))],
            input_guardrails=[checks],
        )

    def run(self, **how):
        return run_agent(durable(self.agent(), input=lambda case: "Do it."), answers=lambda request: True, **how)

    def calls(self) -> list[int]:
        return [one.calls for one in (self.first, self.inner, self.second, self.guard)]


def the_steps() -> list[str]:
    return [*World().run().steps]


@pytest.fixture(scope="module")
def steps():
    return the_steps()


def test_everything_is_a_step_with_a_name_that_says_what_it_is(steps):
    assert set(steps) == {
        "guardrail checks 1.1/model 1",
        "guardrail checks 1",
        "model 1",
        "tool look l1",
        "tool blocks l2",
        "tool pay p1",
        "model 2",
        "tool look l3",
        "b1.1/model 1",
        "b1.1/tool look n1",
        "b1.1/tool pay n2",
        "b1.1/model 2",
        "tool bank b1",
        "handoff transfer_to_second 1",
        "model 3",
        "tool pay p2",
        "model 4",
        "guardrail checks_output 1",
    }


def test_killed_after_any_step_nothing_is_done_again(steps):
    once = World()
    once.run()
    for name in steps:
        world = World()
        result = world.run(kill_after_step=name)
        assert result.status is CaseStatus.COMPLETED, (name, result.reason, result.error)
        assert sorted(world.done) == sorted(once.done), name
        assert world.calls() == once.calls(), name
        assert max(result.ran.values()) == 1, (name, result.ran)


def test_killed_within_any_step_only_that_one_is_done_again(steps):
    once = World()
    once.run()
    for name in steps:
        world = World()
        result = world.run(kill_in_step=name)
        assert result.status is CaseStatus.COMPLETED, (name, result.reason, result.error)
        assert {step for step, times in result.ran.items() if times > 1} == {name}
        assert len(world.done) <= len(once.done) + 1, name


def test_killed_at_every_step_the_run_still_ends_with_each_done_once(steps):
    once, world = World(), World()
    result = world.run(kill_after_step=steps, max_attempts=100)
    once.run()
    assert result.status is CaseStatus.COMPLETED, result.reason
    assert (sorted(world.done), world.calls()) == (sorted(once.done), once.calls())
    assert result.usage.requests == sum(once.calls())


def test_messages_are_said_once_however_often_the_run_is_resumed(steps):
    once, again = World().run(), World().run(kill_after_step=steps, max_attempts=100)
    assert once.said == again.said == ["fine", "inner done", "all done"]
    for kind in ("tool_call", "tool_result"):
        first, then = ([str(one.content) for one in ran.messages if one.type == kind] for ran in (once, again))
        assert sorted(first) == sorted(then)
        assert len(first) == 8


def run_with(tools, *answers, **options):
    model = Script(*answers)
    agent = Agent(name="clerk", model=model, tools=tools, **options)
    return model, run_agent(durable(agent, input=lambda case: "hi"), answers=lambda request: True)


@function_tool(needs_approval=True)
async def pause() -> str:
    """A wait in the turn, so that everything in it is replayed."""
    return "gone on"


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


def test_a_tool_that_runs_agents_itself_keeps_their_calls():
    inner = Script(says("short"))

    @function_tool
    async def asks_others() -> str:
        both = await asyncio.gather(*(Runner.run(Agent(name=name, model=inner), name) for name in ("a", "b")))
        return " ".join(one.final_output for one in both)

    outer = Script(call("asks_others", "a1"), says("done"))
    agent = durable(Agent(name="outer", model=outer, tools=[asks_others]), input=lambda case: "hi")
    result = run_agent(agent, kill_in_step="tool asks_others a1")
    assert (result.status, inner.calls, outer.calls) == (CaseStatus.COMPLETED, 2, 2)


def test_agents_run_as_ever_outside_of_a_run():
    run_with([], says("done"))
    model = Script(says("plain"))
    result = asyncio.run(Runner.run(Agent(name="free", model=model), "hi"))
    assert (result.final_output, model.calls) == ("plain", 1)
    with pytest.raises(LookupError):
        current_run()


def test_a_plain_tool_may_run_an_agent_without_await():
    inner = Script(says("short"))

    @function_tool
    def asks_another() -> str:
        return Runner.run_sync(Agent(name="a", model=inner), "hi").final_output

    outer = Script(call("asks_another", "a1"), says("done"))
    agent = durable(Agent(name="outer", model=outer, tools=[asks_another]), input=lambda case: "hi")
    result = run_agent(agent, kill_in_step="tool asks_another a1")
    assert result.status is CaseStatus.COMPLETED, result.error
    assert inner.calls == 1


def test_the_author_s_own_agents_stay_as_they_are():
    model = Script(call("pause", "p1"), says("done"))
    agent = Agent(name="clerk", model=model, tools=[pause], model_settings=ModelSettings(temperature=0.1))
    before = dict(vars(agent))
    run_agent(durable(agent, input=lambda case: "hi"), answers=lambda request: True)
    assert vars(agent) == before
    assert agent.tools[0].on_invoke_tool is pause.on_invoke_tool


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


def test_an_answer_given_twice_runs_the_tool_once(steps):
    """The SDK's own state, resumed twice, runs it twice."""
    world = World()
    result = world.run(kill_after_step=[one for one in steps if one.startswith("tool pay")])
    assert result.status is CaseStatus.COMPLETED
    assert world.done.count("pay Ann") == world.done.count("pay Bob") == world.done.count("pay Cleo") == 1


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
