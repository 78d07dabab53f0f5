"""What bounds an agent of the OpenAI Agents SDK, and what it leaves out or swallows, which is told."""

import asyncio
from dataclasses import dataclass

import pytest
from agents import (
    GuardrailFunctionOutput,
    RunContextWrapper,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from pydantic import BaseModel

from casework import Complete, Fail, HandOver, Postpone
from casework import agent as casework_agent
from casework.agents.stop import Interrupted
from casework.core.lifecycle import CaseStatus
from casework.errors import RunLost
from casework.integrations.openai_agents import current_run, durable
from casework.service import agents, cases
from casework.settings import Settings
from casework.testing import run_agent
from factories import TEAM, a_consumer, a_queue, claim, some_cases, work
from integrations import conformance
from integrations.openai_script import call, made, pause, run, says


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


SETTINGS = Settings(agent_modules="integrations.*")


def test_a_run_that_reached_its_limit_goes_on_from_there_with_a_higher_one(db, tmp_path):
    """A person deploys the new limit, and retries the case with its steps kept."""
    ledger, queue = tmp_path / "ledger", a_queue(db)
    worker = agents.create(db, SETTINGS, TEAM, "worker", target="integrations.openai_agents_agents:limited")
    a_consumer(db, queue, worker)
    script = [*(conformance.calls(conformance.look(str(n), str(n))) for n in range(4)), conformance.says("done")]
    (case_id,) = some_cases(db, queue, data=conformance.case_of(script, ledger))
    (message,) = claim(db)
    assert work(db, message, SETTINGS) == "failed"
    agents.update(db, SETTINGS, TEAM, worker.id, target="integrations.openai_agents_agents:conforming")
    cases.retry(db, SETTINGS, queue.id, [case_id], keep_steps=True)
    (again,) = claim(db)
    assert work(db, again, SETTINGS) == "completed"
    done = conformance.read(ledger)
    assert [line for line in done if line.startswith("look")] == [f"look {n}" for n in range(4)]
    assert [line for line in done if line.endswith("answered")] == [f"model {n} answered" for n in range(1, 6)]
