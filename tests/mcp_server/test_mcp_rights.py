"""What a key may do over MCP: the same as in the API, and no tool is shown that it may not use."""

import pytest

from casework.api.app import ROUTERS
from casework.api.auth import Need
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import RIGHTS, Role
from casework.mcp.tools import TOOLS
from casework.service import keys
from factories import some_cases

ACTS = [
    "add_cases",
    "answer_request",
    "ask_person",
    "claim_case",
    "delegate_case",
    "finish_case",
    "retry_case",
    "say",
    "settle_case",
    "update_case",
    "work_case",
]


SAME = {
    "list_queues": {"list_queues"},
    "queue_state": {"get_queue_stats", "list_consumers"},
    "search_cases": {"search_cases"},
    "get_case": {"get_case", "list_case_runs", "list_recent_messages"},
    "explain_case": {"explain_case"},
    "list_requests": {"list_human_requests", "get_human_request"},
    "add_cases": {"create_cases"},
    "answer_request": {"answer_human_request"},
    "retry_case": {"bulk_retry"},
    "delegate_case": {"bulk_delegate"},
    "settle_case": {"bulk_update_status"},
    "work_case": {"create_cases", "get_case"},
    "claim_case": {"claim_case"},
    "say": {"add_message", "heartbeat"},
    "update_case": {"update_held_case"},
    "ask_person": {"ask_person"},
    "finish_case": {"report_outcome"},
}
"""The operations of the API that do what a tool does."""


def test_a_tool_needs_the_rights_that_the_api_needs():
    needed = {
        route.operation_id: {one.call.right for one in route.dependant.dependencies if isinstance(one.call, Need)}
        for routes in ROUTERS
        for route in routes.router.routes
    }
    assert set(SAME) == {tool.name for tool in TOOLS}
    for tool in TOOLS:
        assert tool.rights == set().union(*(needed[operation] for operation in SAME[tool.name])), tool.name


async def listed(client):
    return {tool.name: tool for tool in (await client.list_tools()).tools}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("role", Role)
def test_lists_the_tools_of_a_role_and_refuses_the_others(models, queue, role, mode):
    token = models.key(role)
    shown = set(models.run(listed, token, mode=mode))
    assert shown == {tool.name for tool in TOOLS if tool.rights <= RIGHTS[role]}
    for tool in TOOLS:
        if tool.name not in shown:
            said = models.refused(tool.name, token, client={"mode": mode})
            assert said.startswith(f"The tool {tool.name} is not for this key of role {role}: it may not ")


def test_an_agents_key_never_answers(models, queue):
    assert "answer_request" not in models.run(listed, models.key(Role.AGENT))


def test_an_operator_may_be_without_the_right_to_answer(models, queue):
    shown = set(models.run(listed, models.key(Role.OPERATOR, may_answer=False)))
    assert "settle_case" in shown
    assert "answer_request" not in shown


def test_a_tool_that_is_refused_does_nothing(models, queue):
    (id,) = some_cases(models.db, queue)
    models.refused("settle_case", models.key(Role.READER), case_id=str(id), status="failed")
    assert models("get_case", case_id=str(id))["status"] == "pending"


def test_tools_say_what_they_change(models):
    shown = models.run(listed)
    assert {name for name, tool in shown.items() if not tool.annotations.read_only_hint} == set(ACTS)
    destroys = {name for name, tool in shown.items() if tool.annotations.destructive_hint}
    assert destroys == {"answer_request", "delegate_case", "retry_case", "settle_case", "update_case"}
    assert not {name for name in shown if "clear" in name or "delete" in name}


def test_tools_are_short_flat_and_typed(models):
    for name, tool in models.run(listed).items():
        assert len(tool.description) < 400, name
        assert "$ref" not in str(tool.input_schema) + str(tool.output_schema), name
        assert tool.output_schema["type"] == "object", name
        nested = {one for one, schema in tool.input_schema["properties"].items() if schema.get("type") == "object"}
        assert nested <= {"arguments", "answer_schema"}, name


def test_a_wrong_key_learns_nothing(models):
    for token in ("cw_0000000000000000_" + "a" * 43, "nonsense", ""):

        async def scene(client):
            await client.list_tools()

        with pytest.raises(BaseExceptionGroup) as caught:
            models.run(scene, token)
        assert "A valid API key is needed" in str(caught.value.exceptions)


def test_a_key_that_is_revoked_is_refused_from_then_on(models, queue):
    token = models.key(Role.ADMIN)

    async def scene(client):
        await client.call_tool("list_queues", {})
        (key,) = keys.find(models.db, DEFAULT_TEAM)
        keys.revoke(models.db, DEFAULT_TEAM, key.id)
        await client.call_tool("list_queues", {})

    with pytest.raises(BaseExceptionGroup) as caught:
        models.run(scene, token)
    assert "A valid API key is needed" in str(caught.value.exceptions)
