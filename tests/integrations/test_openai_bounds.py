"""What bounds an agent of the OpenAI Agents SDK, and what it leaves out or swallows, which is told."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    ModelProvider,
    ModelResponse,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    Usage,
    function_tool,
    get_current_trace,
    input_guardrail,
    output_guardrail,
)
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner
from openai.types.responses import ResponseErrorEvent, ResponseOutputItemDoneEvent
from pydantic import BaseModel

from casework import Complete, Fail, HandOver, Postpone
from casework import agent as casework_agent
from casework.agents.stop import Interrupted
from casework.core.lifecycle import CaseStatus
from casework.errors import RunLost
from casework.integrations.openai_agents import current_run, durable
from casework.integrations.openai_agents.responses import completed_event
from casework.service import agents, cases
from casework.settings import Settings
from casework.testing import run_agent
from factories import TEAM, a_consumer, a_queue, claim, some_cases, work
from integrations import conformance
from integrations.openai_script import Script, call, notices, outputs, says


def made(*answers, tools=(), **of_agent):
    return Agent(name="clerk", model=Script(*answers), tools=list(tools), **of_agent)


def run(agent, answers=lambda request: True, how=None, **options):
    return run_agent(durable(agent, **{"input": lambda case: "hi", **options}), answers=answers, **(how or {}))


@function_tool(needs_approval=True)
async def pause() -> str:
    return "gone on"


def test_turns_are_counted_over_waits():
    agent = made(call("pause", "p1"), call("pause", "p2"), call("pause", "p3"), says("done"), tools=[pause])
    result = run(agent, max_turns=2)
    assert result.reason.startswith("Max turns (2) exceeded. To let it go on, raise max_turns and retry the case")
    assert (agent.model.calls, len(result.requests)) == (2, 2)
    assert run(agent, max_turns=None).outcome == Complete("done")


def test_a_limit_that_was_raised_while_the_run_waited_counts():
    """The SDK's own state would go on with the limit that it was stored with."""
    agent = made(call("pause", "p1"), call("pause", "p2"), says("done"), tools=[pause])
    limits = iter([1, 9, 9])

    async def with_new_limit(run):
        return await durable(agent, input=lambda case: "hi", max_turns=next(limits))(run)

    result = run_agent(casework_agent(with_new_limit), answers=lambda request: True)
    assert (result.outcome, agent.model.calls) == (Complete("done"), 3)


def test_a_run_without_an_output_is_no_success():
    result = run(made(says("")), output=lambda output: Complete("never"))
    assert result.outcome == Fail("The agent ended without an output.")


class Report(BaseModel):
    summary: str


def test_an_output_becomes_the_outcome_that_the_author_makes_of_it():
    agent = made(says('{"summary": "late"}'), output_type=Report)
    assert run(agent, output=lambda report: Postpone("2h", reason=report.summary)).reason == "late"
    assert run(made(says('{"summary": "late"}'), output_type=Report)).reason == '{"summary":"late"}'


def test_an_outcome_that_is_the_output_stands():
    @function_tool
    async def gives_up() -> str:
        return "unused"

    agent = made(call("gives_up", "g1"), tools=[gives_up], tool_use_behavior="stop_on_first_tool")
    assert run(agent, output=lambda text: HandOver("billing", text)).outcome == HandOver("billing", "unused")


@pytest.mark.parametrize("decorate", [input_guardrail, output_guardrail])
def test_a_guardrail_that_trips_fails_the_case_by_its_name(decorate):
    @decorate
    async def no_nonsense(context, agent, checked):
        return GuardrailFunctionOutput({"why": "nonsense"}, tripwire_triggered=True)

    kind = "input_guardrails" if decorate is input_guardrail else "output_guardrails"
    result = run(made(says("done"), **{kind: [no_nonsense]}))
    assert result.outcome == Fail("The guardrail 'no_nonsense' has stopped the agent.")


@dataclass
class Account:
    """A context that JSON would make a dict of."""

    owner: str


def test_the_context_comes_from_the_case_each_time_with_its_type():
    seen, built = [], []

    def context(case):
        built.append(case.data["owner"])
        return Account(case.data["owner"])

    @function_tool(needs_approval=True)
    async def pay(context: RunContextWrapper[Account]) -> str:
        seen.append(context.context)
        return "paid"

    agent = made(call("pay", "p1"), says("done"), tools=[pay])
    options = {"context": context, "input": lambda case: case.title}
    result = run_agent(durable(agent, **options), data={"owner": "Ann"}, answers=lambda request: True)
    assert result.status is CaseStatus.COMPLETED, result.error
    assert (seen, built) == ([Account("Ann")], ["Ann", "Ann"])
    assert "Ann" not in str(result.states) + str(result.steps)


def test_input_and_context_may_be_async_and_the_input_is_made_once():
    made_inputs = []

    async def input(case):
        made_inputs.append(case.title)
        return [{"role": "user", "content": "hi"}]

    async def context(case):
        return case.title

    agent = made(call("pause", "p1"), says("done"), tools=[pause])
    assert run(agent, input=input, context=context).outcome == Complete("done")
    assert made_inputs == ["a case"]


def test_an_input_that_is_no_json_is_told():
    result = run(made(says("done")), input=lambda case: [object()])
    assert "The agent's input must be text, or a list of items that are JSON" in result.reason


@pytest.mark.parametrize("signal", [RunLost, Interrupted, SystemExit])
def test_no_text_that_the_sdk_makes_hides_what_ends_an_attempt(signal):
    @function_tool
    async def ends() -> str:
        raise signal

    agent = made(call("ends", "e1"), says("went on"), tools=[ends])

    caught = []

    async def catching(run):
        try:
            return await durable(agent, input=lambda case: "hi")(run)
        except BaseException as error:
            caught.append(type(error))
            return Complete("caught")

    run_agent(casework_agent(catching))
    assert (caught, agent.model.calls) == ([signal], 1)


def test_a_tool_that_swallows_a_stop_and_its_cancellation_does_not_go_on():
    done = []

    @function_tool
    async def stubborn() -> str:
        try:
            current_run().say("here")
        except BaseException:
            done.append("stopped")
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            done.append("cancelled")
        return "went on"

    agent = made(call("stubborn", "s1"), says("done"), tools=[stubborn])
    result = run(agent, how={"release_at": "say"})
    assert (result.status, result.failed, result.attempts) == (CaseStatus.COMPLETED, [], 2)
    assert done[0] == "stopped"
    assert agent.model.calls == 2


def test_an_error_of_a_tool_without_a_handler_is_the_run_s_own():
    """So a time-out of a service leads to another attempt, and not to a failed case."""
    tries = []

    @function_tool(failure_error_function=None)
    async def fetch() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("refused")
        return "fetched"

    agent = made(call("fetch", "f1"), says("done"), tools=[fetch])
    result = run(agent)
    assert (result.status, len(tries), agent.model.calls) == (CaseStatus.COMPLETED, 2, 2)
    assert "ConnectionError: refused" in result.failed[0].reason


def test_a_model_by_name_is_kept_as_well():
    model = Script(call("pause", "p1"), says("done"))

    class Provider(ModelProvider):
        def get_model(self, model_name):
            assert model_name == "big"
            return model

    agent = Agent(name="clerk", model="big", tools=[pause])
    inner = Agent(name="inner", model="big")
    agent.tools.append(inner.as_tool("inner", "asks"))
    result = run(agent, run_config=RunConfig(model_provider=Provider()))
    assert (result.outcome, model.calls) == (Complete("done"), 2)


def test_words_are_shown_while_they_come_and_said_once_whole():
    agent = made(call("pause", "p1"), says("one two three"), tools=[pause])
    result = run(agent, stream=True)
    assert "".join(result.streamed).split() == ["one", "two", "three"]
    assert (result.said, result.usage.requests, agent.model.calls) == (["one two three"], 2, 2)


class Broken(Script):
    """A stream that ends as its test says."""

    def __init__(self, *events):
        super().__init__(says("done"))
        self.events = events

    async def stream_response(self, *args, **kwargs):
        self.inputs.append(args)
        for event in self.events:
            yield event


def test_a_broken_stream_is_tried_again_and_a_failed_one_is_told():
    broken = Broken()
    result = run(Agent(name="clerk", model=broken), stream=True, how={"max_attempts": 2})
    assert "ended before its response was complete" in result.reason
    assert broken.calls == 2
    failed = ResponseErrorEvent(type="error", code="full", message="try later", sequence_number=1)
    result = run(Agent(name="clerk", model=Broken(failed)), stream=True)
    assert "stream ended with error" in result.reason and "try later" in result.reason


def test_items_that_a_service_streams_one_by_one_are_the_response():
    done = completed_event(ModelResponse([], Usage(), "r1"))
    item = ResponseOutputItemDoneEvent(
        type="response.output_item.done", item=says("hello"), output_index=0, sequence_number=1
    )
    assert run(Agent(name="clerk", model=Broken(item, done)), stream=True).outcome == Complete("hello")


def test_an_inner_agent_that_streams_is_replayed_without_its_model():
    inner, events = Script(says("inner done")), []
    tool = Agent(name="inner", model=inner).as_tool("inner", "asks", on_stream=events.append)
    agent = made([call("inner", "i1", input="go")], [call("pause", "p1")], says("done"), tools=[tool, pause])
    result = run(agent, how={"kill_in_step": "tool inner i1"})
    assert (result.outcome, inner.calls) == (Complete("done"), 1)
    assert events


def test_hooks_are_called_in_each_attempt():
    """As the guide says: they watch, and must not act."""
    called = []

    class Hooks(RunHooks):
        async def on_agent_start(self, context, agent):
            called.append(current_run().attempt)

    agent = made(call("pause", "p1"), says("done"), tools=[pause])
    run(agent, hooks=Hooks())
    assert set(called) == {1, 2}


def test_new_instructions_are_noticed_once_and_no_call_is_made_again():
    agent = made(call("pause", "p1"), call("pause", "p2"), says("done"), tools=[pause], instructions="old")

    def answer(request):
        agent.instructions = "new"
        return True

    result = run(agent, answer)
    assert agent.model.calls == 3
    (told,) = notices(result)
    assert told.startswith("The call 'model 1' would be made with other instructions now")


def test_a_default_runner_that_was_set_before_does_the_work():
    calls, before = [], get_default_agent_runner()

    class Counting(AgentRunner):
        async def run(self, *args, **kwargs):
            calls.append(1)
            return await super().run(*args, **kwargs)

    set_default_agent_runner(Counting())
    try:
        assert run(made(says("done"))).outcome == Complete("done")
    finally:
        set_default_agent_runner(before)
    assert calls == [1]


QUIET = """
import socket, sys
sys.path[:0] = {paths!r}

def refuse(*_):
    raise AssertionError("the network was used")

connect, socket.socket.connect = socket.socket.connect, refuse
from agents import Agent
from casework.integrations.openai_agents import durable
from casework.testing import run_agent
from integrations.openai_script import Script, says

agent = Agent(name="clerk", model=Script(says("done")))
result = run_agent(durable(agent, input=lambda case: "hi", tracing={tracing}))
print(result.reason)
"""


@pytest.mark.parametrize(
    ("tracing", "told"), [(False, ""), (True, "OPENAI_API_KEY is not set, skipping trace export\n")]
)
def test_without_tracing_nothing_is_sent_or_said(tracing, told):
    """With it, the SDK does as it does: that shows that the test can see it."""
    tests = Path(__file__).parent.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    done = subprocess.run(
        [sys.executable, "-c", QUIET.format(paths=[str(tests)], tracing=tracing)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", told, 0)


def test_importing_it_changes_nothing_of_the_sdk_s():
    script = (
        "from agents.run import AgentRunner, get_default_agent_runner as runner\n"
        "before = runner()\n"
        "import casework.integrations.openai_agents\n"
        "assert runner() is before\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_runs_inside_of_a_tool_make_no_traces_either():
    seen = []

    @function_tool
    async def asks() -> str:
        inner = await Runner.run(Agent(name="inner", model=Script(says("short"))), "hi", run_config=RunConfig())
        return inner.final_output

    @function_tool
    async def looks() -> str:
        seen.append(get_current_trace())
        return "looked"

    inner = Agent(name="other", model=Script(call("looks", "l1"), says("short")), tools=[looks])
    agent = made(
        [call("asks", "a1"), call("other", "o1", input="x")],
        says("done"),
        tools=[asks, inner.as_tool("other", "x", run_config=RunConfig())],
    )
    assert run(agent).outcome == Complete("done")
    assert outputs(agent.model) == {"a1": "short", "o1": "short"}
    assert [one.export() for one in seen] == [None]


SETTINGS = Settings(agent_modules="integrations.*")


def test_a_run_that_reached_its_limit_goes_on_from_there_with_a_higher_one(db, tmp_path):
    """A person deploys the new limit, and retries the case with its steps kept."""
    ledger, queue = tmp_path / "ledger", a_queue(db)
    worker = agents.create(db, SETTINGS, TEAM, "worker", target="integrations.openai_agents_agents:limited")
    a_consumer(db, queue, worker)
    script = [*(conformance.calls(conformance.look(str(n), str(n))) for n in range(4)), conformance.says("done")]
    (case_id,) = some_cases(db, queue, data=conformance.case_of(script, ledger))
    (message,) = claim(db, SETTINGS)
    assert work(db, message, SETTINGS) == "failed"
    agents.update(db, SETTINGS, TEAM, worker.id, target="integrations.openai_agents_agents:conforming")
    cases.retry(db, SETTINGS, queue.id, [case_id], keep_steps=True)
    (again,) = claim(db, SETTINGS)
    assert work(db, again, SETTINGS) == "completed"
    done = conformance.read(ledger)
    assert [line for line in done if line.startswith("look")] == [f"look {n}" for n in range(4)]
    assert [line for line in done if line.endswith("answered")] == [f"model {n} answered" for n in range(1, 6)]
