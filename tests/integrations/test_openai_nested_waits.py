"""Calls of inner agents and of MCP servers, under the OpenAI Agents SDK, that wait for people."""

import pytest
from agents import (
    Agent,
    HostedMCPTool,
    Runner,
    function_tool,
    handoff,
)
from agents.mcp import MCPServer
from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as McpTool
from openai.types.responses.response_output_item import McpApprovalRequest

from casework import Decision
from casework.core.lifecycle import CaseStatus
from casework.integrations.openai_agents import current_run, durable
from casework.testing import Answering, run_agent
from integrations.openai_bank import Bank, by_call
from integrations.openai_script import Script, call, notices, outputs, says


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


def test_approvals_after_a_handoff_come_to_people():
    bank = Bank([], [call("pay", "p1", to="Ann", amount=5)], says("done"))
    model = Script([call("transfer_to_clerk", "t1")])
    agent = Agent(name="front", model=model, handoffs=[handoff(bank.agent)])
    bank.agent.handoffs = [agent]
    result = bank.run(by_call(p1=True), agent)
    assert (result.reason, bank.done) == ("done", ["pay Ann 5"])
    assert (model.calls, bank.model.calls) == (1, 2)
