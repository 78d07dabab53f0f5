"""A case as an MCP task: its states, inputs and end."""

from datetime import timedelta
from functools import partial

import anyio
import anyio.to_thread
import pytest
from conversing import FOLLOWS, begin, fills_in, task, until, work
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY

from casework.core.model import DEFAULT_TEAM, CaseFilter
from casework.core.roles import Role
from casework.mcp.tasks import CANCELLED
from casework.service import cases, keys, queues, requests
from casework.service.listing import Counts, page
from factories import worked_queue

ACCEPT = {"action": "accept"}


def test_a_task_works_and_completes_with_the_cases_outcome(models):
    worked_queue(models.db)

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one", data={"a": None})
        before = await task(client, "get", begun["taskId"])
        await work(models)
        return begun, before, await until(client, begun["taskId"], "completed")

    begun, before, after = models.run(scene, **FOLLOWS)
    assert (begun["resultType"], begun["status"], begun["ttlMs"]) == ("task", "working", None)
    assert (before["resultType"], before["status"]) == ("complete", "working")
    assert before["statusMessage"]
    assert before["pollIntervalMs"] > 0
    assert after["taskId"] == begun["taskId"]
    assert after["result"]["isError"] is False
    assert after["result"]["structuredContent"]["status"] == "completed"
    assert after["result"]["structuredContent"]["data"] == {"a": None}
    assert after["lastUpdatedAt"] >= after["createdAt"] == begun["createdAt"]


def test_a_failed_case_completes_its_task_with_an_error(models):
    """The protocol keeps `failed` for errors of its own."""
    worked_queue(models.db, "sample_agents:fails")

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await work(models)
        return await until(client, begun["taskId"], "completed")

    after = models.run(scene, **FOLLOWS)
    assert after["result"]["isError"] is True
    assert after["result"]["structuredContent"]["status"] == "failed"


def test_requests_are_the_inputs_of_the_task(models):
    worked_queue(models.db, "sample_agents:asks")

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        forms = {}
        for content in ({"answer": "red"}, {"decision": "approve"}):
            await work(models)
            asked = await until(client, begun["taskId"], "input_required")
            assert (await task(client, "get", begun["taskId"]))["inputRequests"] == asked["inputRequests"]
            ((key, form),) = asked["inputRequests"].items()
            forms[key] = form
            answer = {key: {**ACCEPT, "content": content}}
            assert (await task(client, "update", begun["taskId"], answer))["resultType"] == "complete"
            # Answered already, and so ignored.
            await task(client, "update", begun["taskId"], answer)
        await work(models)
        return list(forms.values()), await until(client, begun["taskId"], "completed")

    (question, approval), after = models.run(scene, elicitation_callback=fills_in(), **FOLLOWS)
    assert question["method"] == approval["method"] == "elicitation/create"
    assert question["params"]["requestedSchema"]["properties"]["answer"]["enum"] == ["red", "blue"]
    assert approval["params"]["requestedSchema"]["required"] == ["decision"]
    assert after["result"]["isError"] is False
    assert [one.answer for one in requests.find(models.db, DEFAULT_TEAM, open_only=False)] == ["red", True]


def test_what_is_declined_waits_for_others(models):
    worked_queue(models.db, "sample_agents:asks")

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await work(models)
        asked = await until(client, begun["taskId"], "input_required")
        for action in ("decline", "cancel"):
            await task(client, "update", begun["taskId"], {key: {"action": action} for key in asked["inputRequests"]})
        await task(client, "update", begun["taskId"], {"another": {**ACCEPT, "content": {"answer": "red"}}})
        return await task(client, "get", begun["taskId"])

    assert models.run(scene, elicitation_callback=fills_in(), **FOLLOWS)["status"] == "input_required"
    (request,) = requests.find(models.db, DEFAULT_TEAM)
    assert request.status == "pending"


def test_an_answer_that_does_not_fit_is_refused_and_can_be_mended(models):
    worked_queue(models.db, "sample_agents:asks")

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await work(models)
        (key,) = (await until(client, begun["taskId"], "input_required"))["inputRequests"]
        with pytest.raises(MCPError) as caught:
            await task(client, "update", begun["taskId"], {key: {**ACCEPT, "content": {"answer": 7}}})
        assert caught.value.code == INVALID_PARAMS
        await task(client, "update", begun["taskId"], {key: {**ACCEPT, "content": {"answer": "red"}}})
        return (await task(client, "get", begun["taskId"]))["status"]

    assert models.run(scene, elicitation_callback=fills_in(), **FOLLOWS) == "working"


def test_a_client_without_forms_sees_that_a_person_is_waited_for(models):
    worked_queue(models.db, "sample_agents:asks")

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await work(models)
        return await task(client, "get", begun["taskId"])

    found = models.run(scene, **FOLLOWS)
    assert found["status"] == "working"
    assert "waited for a person" in found["statusMessage"]


def test_a_cancelled_task_ends_its_case(models):
    worked_queue(models.db)

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        done = await task(client, "cancel", begun["taskId"])
        (case,) = (await client.call_tool("search_cases", {"queue": "inbox"})).structured_content["cases"]
        await anyio.to_thread.run_sync(partial(cases.update, models.db, DEFAULT_TEAM, case["id"], title="other"))
        return done, await task(client, "get", begun["taskId"])

    done, after = models.run(scene, **FOLLOWS)
    assert (done["resultType"], after["status"]) == ("complete", "cancelled")
    assert "result" not in after
    (case,) = models("search_cases", queue="inbox")["cases"]
    assert case["status"] == "failed"
    assert CANCELLED in {one.get("reason") for one in models("get_case", case_id=case["id"])["history"]}


def test_cancelling_what_has_ended_changes_nothing(models):
    worked_queue(models.db)

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await work(models)
        await task(client, "cancel", begun["taskId"])
        return await task(client, "get", begun["taskId"])

    assert models.run(scene, **FOLLOWS)["status"] == "completed"


def test_a_task_whose_case_was_deleted_has_failed(models):
    queue, _ = worked_queue(models.db)

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one")
        await anyio.to_thread.run_sync(cases.clear, models.db, models.casework.settings, DEFAULT_TEAM, queue.id)
        await task(client, "cancel", begun["taskId"])
        return begun, await task(client, "get", begun["taskId"])

    begun, found = models.run(scene, **FOLLOWS)
    assert found["status"] == "failed"
    assert "deleted" in found["error"]["message"]
    assert found["createdAt"][:19] == begun["createdAt"][:19]


def test_the_end_of_a_task_stays_when_its_case_goes_on(models):
    """In the protocol an end is final; a new task follows the case from then on."""
    worked_queue(models.db, "sample_agents:fails")
    ids = []

    async def scene(client):
        begun = await begin(client, queue="inbox", title="one", key="k")
        await work(models)
        before = await task(client, "get", begun["taskId"])
        await anyio.to_thread.run_sync(retry)
        after = await task(client, "get", begun["taskId"])
        await task(client, "cancel", begun["taskId"])
        another = await begin(client, queue="inbox", title="one", key="k")
        ids.append(begun["taskId"])
        return before, after, another

    def retry():
        (case,) = page(models.db, Counts(), DEFAULT_TEAM, queue_id(), CaseFilter(), limit=1).cases
        models.casework.perform(cases.retry(models.db, models.casework.settings, case.queue_id, [case.id]))

    def queue_id():
        return queues.get(models.db, DEFAULT_TEAM, "inbox").id

    before, after, another = models.run(scene, **FOLLOWS)
    assert (before["status"], after["status"], another["status"]) == ("completed", "completed", "working")
    assert after["result"] == before["result"]
    assert another["taskId"] != ids[0]


def test_the_same_key_gives_the_same_task(models):
    worked_queue(models.db)

    async def scene(client):
        first = await begin(client, queue="inbox", title="one", key="k")
        return first["taskId"] == (await begin(client, queue="inbox", title="one", key="k"))["taskId"]

    assert models.run(scene, **FOLLOWS)


def ids_of_strangers(task_id):
    flipped = task_id[:-2] + ("AA" if task_id[-2:] != "AA" else "BB")
    return ["", "nonsense", "ä" * 48, task_id[:-4], flipped, task_id[:20] + "A" * 28]


def test_nobody_else_can_use_a_task(models):
    worked_queue(models.db)
    token = models.key(Role.OPERATOR, "one")

    async def scene(client):
        return await begin(client, queue="inbox", title="one")

    task_id = models.run(scene, token, **FOLLOWS)["taskId"]
    other_team = keys.team(models.db, "others", create=True)
    tries = [
        (None, task_id),
        (models.key(Role.ADMIN, "two"), task_id),
        (models.key(Role.ADMIN, "one", team=other_team), task_id),
    ]
    for stranger, tried in tries + [(token, one) for one in ids_of_strangers(task_id)]:

        async def intrusion(client, tried=tried):
            for method in ("get", "cancel", "update"):
                with pytest.raises(MCPError) as caught:
                    await task(client, method, tried, {})
                assert caught.value.code == INVALID_PARAMS
                assert "There is no task" in str(caught.value)

        models.run(intrusion, stranger, **FOLLOWS)

    async def owner(client):
        return (await task(client, "get", task_id))["status"]

    assert models.run(owner, token, **FOLLOWS) == "working"


def test_a_rotated_key_goes_on_with_its_tasks(models):
    worked_queue(models.db)
    token = models.key(Role.OPERATOR, "one")

    async def scene(client):
        return (await begin(client, queue="inbox", title="one"))["taskId"]

    task_id = models.run(scene, token, **FOLLOWS)
    (key,) = keys.find(models.db, DEFAULT_TEAM)
    renewed = keys.rotate(models.db, DEFAULT_TEAM, key.id, timedelta())[1]

    async def later(client):
        return (await task(client, "get", task_id))["status"]

    assert models.run(later, renewed, **FOLLOWS) == "working"


def test_methods_of_tasks_need_the_extension(models):
    async def scene(client):
        with pytest.raises(MCPError) as caught:
            await task(client, "get", "x")
        return caught.value

    error = models.run(scene)
    assert error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
    assert "io.modelcontextprotocol/tasks" in error.data["requiredCapabilities"]["extensions"]
    assert models.run(scene, mode="legacy").code == METHOD_NOT_FOUND


def test_says_that_it_knows_tasks(models):
    async def scene(client):
        return client.server_capabilities.extensions

    assert models.run(scene) == {"io.modelcontextprotocol/tasks": {}}
