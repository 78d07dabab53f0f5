"""What the OpenAI Agents SDK has done is not done again, wherever the process was killed."""

import asyncio
from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    ModelSettings,
    Runner,
    function_tool,
    handoff,
    input_guardrail,
    output_guardrail,
)

from casework.core.lifecycle import CaseStatus
from casework.integrations.openai_agents import current_run, durable
from casework.testing import run_agent
from integrations.openai_script import Script, call, pause, run_with, says


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


@pytest.mark.slow
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


def test_an_answer_given_twice_runs_the_tool_once(steps):
    """The SDK's own state, resumed twice, runs it twice."""
    world = World()
    result = world.run(kill_after_step=[one for one in steps if one.startswith("tool pay")])
    assert result.status is CaseStatus.COMPLETED
    assert world.done.count("pay Ann") == world.done.count("pay Bob") == world.done.count("pay Cleo") == 1
