"""Calls of the OpenAI Agents SDK that wait for people: which call gets which answer."""

from dataclasses import replace

import pytest
from agents import (
    Agent,
    RunConfig,
    ToolExecutionConfig,
    ToolGuardrailFunctionOutput,
    function_tool,
    tool_input_guardrail,
)

from casework import Decision
from casework.core.lifecycle import CaseStatus
from casework.core.model import RequestKind
from casework.integrations.openai_agents import durable, question_tool
from casework.testing import Answering, run_agent
from integrations.openai_bank import ONE, TWO, Bank, by_call
from integrations.openai_script import Script, call, notices, outputs, says


def test_approvals_of_a_turn_are_one_group_with_arguments_and_schema():
    bank = Bank(TWO, says("done"))
    result = bank.run()
    assert result.status is CaseStatus.NEEDS_INPUT
    assert bank.done == ["look rates"]
    assert [(one.kind, one.action.name, dict(one.action.arguments)) for one in result.requests] == [
        (RequestKind.APPROVAL, "pay", {"to": "Ann", "amount": 5}),
        (RequestKind.APPROVAL, "pay", {"to": "Bob", "amount": 7}),
    ]
    first = result.requests[0]
    assert (first.title, first.description) == ('pay(to="Ann", amount=5)', "Pay somebody.")
    assert set(first.action.schema["properties"]) == {"to", "amount"}
    assert [*result.requests[0].decisions] == [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]


def test_each_answer_goes_to_its_own_call_and_nothing_runs_twice():
    bank = Bank(TWO, says("done"))
    result = bank.run(by_call(p1=False, p2=True))
    assert (result.status, result.reason) == (CaseStatus.COMPLETED, "done")
    assert bank.done == ["look rates", "pay Bob 7"]
    assert bank.model.calls == 2
    assert outputs(bank.model)["p2"] == "paid 7 to Bob"


def test_a_rejection_tells_the_model_what_the_person_said():
    bank = Bank(TWO, says("done"))
    bank.run(by_call(p1=Answering(decision=Decision.REJECT, message="Ann has left"), p2=False))
    assert outputs(bank.model)["p1"] == "Ann has left"
    assert outputs(bank.model)["p2"] == "A person has rejected this call, so it was not made."


def test_a_call_is_made_with_the_arguments_that_a_person_edited():
    seen = []

    @tool_input_guardrail
    def sees(data):
        seen.append(data.context.tool_arguments)
        return ToolGuardrailFunctionOutput.allow()

    bank = Bank(TWO, says("done"))
    bank.agent.tools[0] = bank.pay(tool_input_guardrails=[sees])
    result = bank.run(by_call(p1=Answering(arguments={"to": "Cleo", "amount": 6}), p2=False))
    assert bank.done == ["look rates", "pay Cleo 6"]
    assert outputs(bank.model)["p1"] == "paid 6 to Cleo"
    assert seen == ['{"to": "Cleo", "amount": 6}']
    assert {"name": "pay", "arguments": {"to": "Cleo", "amount": 6}} in [one.content for one in result.messages]


def test_a_person_may_respond_instead_of_the_tool():
    bank = Bank(TWO, says("done"))
    bank.run(by_call(p1=Answering(decision=Decision.RESPOND, value="paid by hand"), p2=False))
    assert bank.done == ["look rates"]
    assert outputs(bank.model)["p1"] == "paid by hand"


def test_the_author_may_change_what_is_asked_and_an_expiry_rejects():
    bank = Bank(TWO[1:2], says("done"))

    def request(usual, item):
        return replace(usual, title=f"Really {item.name}?", expires="2h", on_expiry="continue", key="not mine")

    result = bank.run({"Really pay?": Decision.EXPIRED}, request=request)
    assert result.requests[0].key.startswith("p1 ")
    assert bank.done == []
    assert outputs(bank.model)["p1"] == "Nobody has decided about this call in time, so it was not made."


def test_the_model_asks_a_person_and_gets_the_answer():
    model = Script(call("ask_person", "q1", question="Which ZIP?", options=["10115", "20095"]), says("done"))
    result = run_agent(
        durable(Agent(name="clerk", model=model, tools=[question_tool()]), input=lambda case: "hi"),
        answers={"Which ZIP?": "20095"},
    )
    assert (result.requests[0].kind, result.requests[0].options) == (RequestKind.QUESTION, ("10115", "20095"))
    assert outputs(model) == {"q1": "20095"}


def test_calls_that_no_answer_can_tell_apart_are_told_and_not_asked():
    inner = Bank([call("pay", "p1", to="Ann", amount=5)], says("inner done"))
    outer = Script([call("bank", "b1", input="a"), call("bank", "b2", input="b")], says("outer done"))
    agent = Agent(name="boss", model=outer, tools=[inner.agent.as_tool("bank", "pays")])
    result = inner.run(lambda request: True, agent)
    assert "two calls of 'pay' with one id, 'p1', and the same arguments" in result.reason
    assert (result.requests, inner.done) == ([], [])


@pytest.mark.slow
def test_more_calls_than_one_wait_holds_are_asked_one_wait_after_another():
    many = [call("pay", f"p{number}", to="Ann", amount=number) for number in range(60)]
    bank = Bank(many, says("done"))
    result = bank.run(lambda request: True)
    assert result.status is CaseStatus.COMPLETED, result.error
    assert sorted(bank.done) == sorted(f"pay Ann {number}" for number in range(60))
    assert bank.model.calls == 2


class Deployed(Bank):
    """While its question waits, new code is deployed."""

    def run_with(self, deploy, answer=True):
        asked = []

        def answers(request):
            asked.append(request)
            if len(asked) == 1:
                deploy()
            return answer

        return asked, self.run(answers)


def test_an_agent_that_was_renamed_while_it_waited_goes_on():
    bank = Deployed(*ONE)
    _, result = bank.run_with(lambda: setattr(bank.agent, "name", "cashier"))
    assert (result.reason, bank.done, bank.model.calls) == ("done", ["pay Ann 5"], 2)


@pytest.mark.parametrize("left", [[], ["pay_out"]], ids=["removed", "renamed"])
def test_a_tool_that_is_gone_after_a_wait_is_told_and_nothing_is_called(left):
    bank = Deployed(*ONE)
    renamed = [bank.pay(name_override=name) for name in left]
    _, result = bank.run_with(lambda: setattr(bank.agent, "tools", renamed))
    assert result.status is CaseStatus.FAILED
    assert "code has changed" in result.reason
    assert "Tool pay not found in agent clerk" in result.reason
    assert (bank.done, bank.model.calls) == ([], 1)


def test_an_approval_is_asked_again_if_its_schema_has_changed():
    bank = Deployed(*ONE)

    @function_tool(needs_approval=True)
    async def pay(iban: str, amount: int) -> str:
        bank.done.append(f"pay {iban} {amount}")
        return "paid"

    asked, result = bank.run_with(
        lambda: bank.agent.tools.__setitem__(0, pay), Answering(decision=Decision.REJECT, message="no")
    )
    assert [set(one.action.schema["properties"]) for one in asked] == [{"to", "amount"}, {"iban", "amount"}]
    assert any("have another schema than when a person was asked" in text for text in notices(result))
    assert bank.done == []


def test_other_words_in_a_schema_do_not_ask_again():
    bank = Deployed(*ONE)

    @function_tool(needs_approval=True)
    async def pay(to: str, amount: int) -> str:
        """Pay somebody.

        Args:
            to: The name of the person.
        """
        bank.done.append("paid")
        return "paid"

    asked, result = bank.run_with(lambda: bank.agent.tools.__setitem__(0, pay))
    assert (len(asked), bank.done, result.status) == (1, ["paid"], CaseStatus.COMPLETED)


@pytest.mark.parametrize("answer", [True, False])
def test_a_call_that_was_asked_about_never_runs_past_its_answer(answer):
    """Although the new code needs no approval any more."""
    bank = Deployed(*ONE)
    _, result = bank.run_with(lambda: bank.agent.tools.__setitem__(0, bank.pay(needs_approval=False)), answer)
    assert result.status is CaseStatus.COMPLETED
    assert bank.done == (["pay Ann 5"] if answer else [])


def test_an_approval_that_depends_on_the_arguments_is_asked_by_them():
    async def is_much(context, arguments, call_id):
        return arguments["amount"] > 6

    bank = Bank(TWO, says("done"))
    bank.agent.tools[0] = bank.pay(needs_approval=is_much)
    result = bank.run(lambda request: True)
    assert [one.action.arguments["amount"] for one in result.requests] == [7]
    assert bank.done == ["look rates", "pay Ann 5", "pay Bob 7"]


def test_guardrails_before_an_approval_are_asked_once():
    checked = []

    @tool_input_guardrail
    def checks(data):
        checked.append(data.context.tool_call_id)
        return ToolGuardrailFunctionOutput.allow()

    bank = Bank(*ONE)
    bank.agent.tools[0] = bank.pay(tool_input_guardrails=[checks])
    config = RunConfig(tool_execution=ToolExecutionConfig(pre_approval_tool_input_guardrails=True))
    result = bank.run(by_call(p1=True), run_config=config)
    assert result.status is CaseStatus.COMPLETED, result.error
    assert len(checked) <= 2
