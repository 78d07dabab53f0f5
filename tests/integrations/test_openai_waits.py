"""Calls of the OpenAI Agents SDK that wait for people: which call gets which answer."""

from dataclasses import replace

import pytest
from agents import (
    Agent,
    HostedMCPTool,
    RunConfig,
    Runner,
    ToolExecutionConfig,
    ToolGuardrailFunctionOutput,
    function_tool,
    handoff,
    tool_input_guardrail,
)
from agents.mcp import MCPServer
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as McpTool
from openai.types.responses.response_output_item import McpApprovalRequest

from casework import Decision
from casework.core.lifecycle import CaseStatus
from casework.core.model import RequestKind
from casework.integrations.openai_agents import current_run, durable, question_tool
from casework.testing import Answering, run_agent
from integrations.openai_script import Script, call, notices, outputs, says


class Bank:
    """An agent that pays with approval and looks without, and what it has done."""

    def __init__(self, *answers, **of_agent):
        self.done = []
        self.model = Script(*answers)
        self.agent = Agent(name="clerk", model=self.model, tools=[self.pay(), self.look()], **of_agent)

    def pay(self, **options):
        @function_tool(**{"needs_approval": True, **options})
        async def pay(to: str, amount: int) -> str:
            """Pay somebody."""
            self.done.append(f"pay {to} {amount}")
            return f"paid {amount} to {to}"

        return pay

    def look(self):
        @function_tool
        async def look(what: str) -> str:
            self.done.append(f"look {what}")
            return f"saw {what}"

        return look

    def run(self, answers=None, agent=None, **options):
        return run_agent(durable(agent or self.agent, input=lambda case: "Do it.", **options), answers=answers)


TWO = [call("look", "l1", what="rates"), call("pay", "p1", to="Ann", amount=5), call("pay", "p2", to="Bob", amount=7)]


def by_call(**given):
    """Answers by the id of the call, with which the key of its request begins."""
    return lambda request: given.get(request.key.split()[0])


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


def test_a_tool_that_asks_lets_the_others_of_its_turn_finish():
    done = []

    @function_tool
    async def asks() -> str:
        return f"hello {current_run().ask('Name?')}"

    bank = Bank([call("look", "l1", what="rates"), call("asks", "a1")], says("done"))
    bank.agent.tools.append(asks)
    bank.done = done
    result = bank.run({"Name?": "Ann"})
    assert result.status is CaseStatus.COMPLETED, result.error
    assert done == ["look rates"]
    assert outputs(bank.model)["a1"] == "hello Ann"


@pytest.mark.parametrize("plain", [False, True])
def test_a_tool_of_an_inner_agent_asks_and_the_outer_ones_finish(plain):
    @function_tool(name_override="asks")
    def asks_plainly() -> str:
        return current_run().ask("Name?")

    @function_tool
    async def asks() -> str:
        return current_run().ask("Name?")

    inner = Script(call("asks", "a1"), says("inner done"))
    bank = Bank([call("look", "l1", what="rates"), call("inner", "i1", input="go")], says("done"))
    tool = asks_plainly if plain else asks
    bank.agent.tools.append(Agent(name="inner", model=inner, tools=[tool]).as_tool("inner", "asks"))
    result = bank.run({"Name?": "Ann"})
    assert (result.status, bank.done) == (CaseStatus.COMPLETED, ["look rates"])
    assert outputs(inner)["a1"] == "Ann"


def test_approvals_inside_of_an_agent_that_is_a_tool_come_to_people():
    inner = Bank([call("look", "l1", what="rates"), call("pay", "p1", to="Ann", amount=5)], says("inner done"))
    outer = Script([call("bank", "b1", input="pay Ann")], says("outer done"))
    agent = Agent(name="boss", model=outer, tools=[inner.agent.as_tool("bank", "pays")])
    result = inner.run(by_call(p1=Answering(arguments={"to": "Ann", "amount": 4})), agent)
    assert (result.status, result.reason) == (CaseStatus.COMPLETED, "outer done")
    assert inner.done == ["look rates", "pay Ann 4"]
    assert (inner.model.calls, outer.calls) == (2, 2)
    assert outputs(outer)["b1"] == "inner done"


def test_an_inner_agent_that_streams_waits_for_people_too():
    inner = Bank([call("look", "l1", what="rates"), call("pay", "p1", to="Ann", amount=5)], says("inner done"))
    outer = Script(call("bank", "b1", input="pay Ann"), says("outer done"))
    tool = inner.agent.as_tool("bank", "pays", on_stream=lambda event: None)
    result = inner.run(by_call(p1=True), Agent(name="boss", model=outer, tools=[tool]))
    assert (result.status, result.reason) == (CaseStatus.COMPLETED, "outer done")
    assert inner.done == ["look rates", "pay Ann 5"]
    assert outputs(outer)["b1"] == "inner done"


def test_approvals_two_agents_deep_come_to_people():
    inner = Bank([call("pay", "p1", to="Ann", amount=5)], says("inner done"))
    middle = Script(call("bank", "b1", input="pay Ann"), says("middle done"))
    outer = Script(call("office", "o1", input="pay Ann"), says("outer done"))
    office = Agent(name="office", model=middle, tools=[inner.agent.as_tool("bank", "pays")])
    result = inner.run(by_call(p1=True), Agent(name="boss", model=outer, tools=[office.as_tool("office", "works")]))
    assert (result.reason, inner.done) == ("outer done", ["pay Ann 5"])
    assert (inner.model.calls, middle.calls, outer.calls) == (2, 2, 2)


def test_an_approval_that_a_tool_s_own_run_drops_is_told():
    inner = Bank([call("pay", "p1", to="Ann", amount=5)], says("inner done"))

    @function_tool
    async def asks_the_bank() -> str:
        result = await Runner.run(inner.agent, "pay Ann")
        return str(result.final_output)

    outer = Script(call("asks_the_bank", "a1"), says("outer done"))
    result = inner.run(None, Agent(name="boss", model=outer, tools=[asks_the_bank]))
    assert (result.requests, inner.done) == ([], [])
    assert any("waits for an approval, which nobody is asked for" in text for text in notices(result))


class Warehouse(MCPServer):
    """A local MCP server, whose one tool writes down what it is asked for."""

    def __init__(self):
        super().__init__(require_approval="always")
        self.done = []

    name = "warehouse"

    async def connect(self):
        pass

    async def cleanup(self):
        pass

    async def list_tools(self, run_context=None, agent=None):
        schema = {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}
        return [McpTool(name="fetch", description="fetches", inputSchema=schema)]

    async def call_tool(self, tool_name, arguments, meta=None):
        self.done.append(arguments["what"])
        return CallToolResult(content=[TextContent(type="text", text=f"fetched {arguments['what']}")])

    async def list_prompts(self):
        raise NotImplementedError

    async def get_prompt(self, name, arguments=None):
        raise NotImplementedError


def test_tools_of_an_mcp_server_wait_for_people_and_run_once():
    warehouse = Warehouse()
    model = Script(call("fetch", "f1", what="nails"), says("done"))
    agent = Agent(name="clerk", model=model, mcp_servers=[warehouse])
    result = run_agent(
        durable(agent, input=lambda case: "hi"),
        answers=lambda request: Answering(arguments={"what": "screws"}),
        kill_after_step="tool fetch f1",
    )
    assert result.status is CaseStatus.COMPLETED, result.error
    assert result.requests[0].action.schema["required"] == ["what"]
    assert warehouse.done == ["screws"]


def test_tools_of_one_name_in_two_agents_have_schemas_of_their_own():
    inner = Bank(call("pay", "p1", to="Ann", amount=5), says("inner done"))

    @function_tool(needs_approval=True)
    async def pay(iban: str) -> str:
        return iban

    outer = Script([call("pay", "o1", iban="DE1"), call("bank", "b1", input="go")], says("outer done"))
    agent = Agent(name="boss", model=outer, tools=[pay, inner.agent.as_tool("bank", "pays")])
    result = inner.run(lambda request: True, agent)
    asked = {tuple(one.action.arguments): set(one.action.schema["properties"]) for one in result.requests}
    assert asked == {("iban",): {"iban"}, ("to", "amount"): {"to", "amount"}}
    assert (result.status, inner.done) == (CaseStatus.COMPLETED, ["pay Ann 5"])


@pytest.mark.parametrize("verdict", [True, False])
def test_a_hosted_mcp_tool_is_approved_or_rejected_and_no_more(verdict):
    asked = McpApprovalRequest(
        id="m1", type="mcp_approval_request", name="book", arguments='{"day": 1}', server_label="travel"
    )
    hosted = HostedMCPTool(
        tool_config={"type": "mcp", "server_label": "travel", "server_url": "http://x", "require_approval": "always"}
    )
    model = Script([asked], says("done"))
    agent = Agent(name="clerk", model=model, tools=[hosted])
    result = run_agent(durable(agent, input=lambda case: "hi"), answers=lambda request: verdict)
    assert result.status is CaseStatus.COMPLETED, result.error
    (request,) = result.requests
    assert (request.action.name, dict(request.action.arguments)) == ("book", {"day": 1})
    assert [*request.decisions] == [Decision.APPROVE, Decision.REJECT]
    (told,) = [one for one in model.inputs[-1] if one.get("type") == "mcp_approval_response"]
    assert (told["approve"], told["approval_request_id"]) == (verdict, "m1")


def test_calls_that_no_answer_can_tell_apart_are_told_and_not_asked():
    inner = Bank([call("pay", "p1", to="Ann", amount=5)], says("inner done"))
    outer = Script([call("bank", "b1", input="a"), call("bank", "b2", input="b")], says("outer done"))
    agent = Agent(name="boss", model=outer, tools=[inner.agent.as_tool("bank", "pays")])
    result = inner.run(lambda request: True, agent)
    assert "two calls of 'pay' with one id, 'p1', and the same arguments" in result.reason
    assert (result.requests, inner.done) == ([], [])


def test_approvals_after_a_handoff_come_to_people():
    bank = Bank([], [call("pay", "p1", to="Ann", amount=5)], says("done"))
    model = Script([call("transfer_to_clerk", "t1")])
    agent = Agent(name="front", model=model, handoffs=[handoff(bank.agent)])
    bank.agent.handoffs = [agent]
    result = bank.run(by_call(p1=True), agent)
    assert (result.reason, bank.done) == ("done", ["pay Ann 5"])
    assert (model.calls, bank.model.calls) == (1, 2)


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


ONE = ([call("pay", "p1", to="Ann", amount=5)], says("done"))


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
