"""Clients of MCP that know no tasks wait for a case, with or without forms."""

import anyio
import anyio.to_thread
import pytest
from conversing import fills_in, work

from factories import work_all, worked_queue

PLAIN = [{}, {"mode": "legacy"}]


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_a_plain_client_gets_the_outcome_in_time(models, client):
    worked_queue(models.db)

    async def scene(session):
        async with anyio.create_task_group() as group:
            group.start_soon(work_soon)
            return await session.call_tool("work_case", {"queue": "inbox", "title": "one", "wait_seconds": 30})

    async def work_soon():
        while not await work(models):
            await anyio.sleep(0.01)

    result = models.run(scene, **client)
    assert not result.is_error
    assert result.structured_content["status"] == "completed"


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_a_plain_client_learns_how_to_follow_what_takes_longer(models, client):
    worked_queue(models.db, "sample_agents:asks")
    found = models("work_case", client=client, queue="inbox", title="one", wait_seconds=0)
    assert found["status"] == "pending"
    assert "get_case" in found["message"]
    work_all(models.db)
    assert "waited for a person" in models("get_case", case_id=found["case_id"])["why"]


def test_a_failed_case_is_an_error_of_the_tool(models):
    worked_queue(models.db, "sample_agents:fails")

    async def scene(client):
        async with anyio.create_task_group() as group:
            group.start_soon(work_soon)
            return await client.call_tool("work_case", {"queue": "inbox", "title": "one"})

    async def work_soon():
        while not await work(models):
            await anyio.sleep(0.01)

    result = models.run(scene)
    assert result.is_error
    assert result.structured_content["status"] == "failed"


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_a_client_with_forms_answers_while_it_waits(models, client):
    worked_queue(models.db, "sample_agents:asks")
    seen = []

    async def scene(session):
        async with anyio.create_task_group() as group:
            group.start_soon(works)
            result = await session.call_tool("work_case", {"queue": "inbox", "title": "one", "wait_seconds": 30})
            group.cancel_scope.cancel()
            return result

    async def works():
        while True:
            await work(models)
            await anyio.sleep(0.01)

    person = fills_in({"answer": "red"}, {"decision": "approve"}, seen=seen)
    result = models.run(scene, elicitation_callback=person, **client)
    assert result.structured_content["status"] == "completed"
    assert [message.split("\n")[0] for message in seen] == ["Which colour?", "Really?"]
    assert models("search_cases", queue="inbox")["total"] == 1


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_a_wait_that_goes_wrong_names_its_case(models, client):
    asks_already(models)
    person = {"elicitation_callback": fills_in({"answer": "green"}), **client}
    said = models.refused("work_case", client=person, queue="inbox", title="one", key="k")
    (case,) = models("search_cases", queue="inbox")["cases"]
    assert case["id"] in said
    assert case["status"] == "needs_input"


def asks_already(models):
    """A case with a known key that waits for a person."""
    worked_queue(models.db, "sample_agents:asks")
    models("add_cases", queue="inbox", cases=[{"title": "one", "key": "k"}])
    work_all(models.db)


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_what_the_person_at_the_client_leaves_open_waits_for_others(models, client):
    asks_already(models)
    person = {"elicitation_callback": fills_in(None), **client}
    found = models("work_case", client=person, queue="inbox", title="one", key="k", wait_seconds=0)
    assert found["status"] == "needs_input"
    assert "waited for a person" in found["message"]


@pytest.mark.parametrize("client", PLAIN, ids=["2026-07-28", "2025-11-25"])
def test_asks_the_person_at_the_client_for_an_answer(models, client):
    worked_queue(models.db, "sample_agents:asks")
    models("add_cases", queue="inbox", cases=[{"title": "one"}])
    work_all(models.db)
    (request,) = models("list_requests")["requests"]
    asked = models(
        "answer_request",
        client={"elicitation_callback": fills_in({"answer": "red"}), **client},
        request_id=request["id"],
    )
    assert (asked["status"], asked["answer"]) == ("answered", "red")
    said = models.refused("answer_request", request_id=request["id"], value="blue")
    assert said.startswith('The request is answered already: it was answered with "red" by tester')


def test_a_client_without_forms_gives_the_answer_itself(models):
    worked_queue(models.db, "sample_agents:asks")
    models("add_cases", queue="inbox", cases=[{"title": "one"}])
    work_all(models.db)
    (request,) = models("list_requests")["requests"]
    assert "cannot ask its person" in models.refused("answer_request", request_id=request["id"])
    declining = {"elicitation_callback": fills_in(None)}
    assert "gave no answer" in models.refused("answer_request", client=declining, request_id=request["id"])
    assert models("list_requests")["requests"][0]["status"] == "pending"
