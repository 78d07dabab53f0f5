"""Agents that work over MCP."""

from datetime import UTC, datetime

import anyio
import anyio.to_thread
import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind, QueueMode
from casework.core.roles import Role
from casework.service import agents, queues, runs
from factories import history, some_cases, the_case
from patience import wait_for
from race.waiting import waiting


def test_agent_works_a_case_from_claim_to_end(models, queue, robot):
    (id,) = some_cases(models.db, queue, data={"amount": 7})
    work = models("claim_case", robot)
    assert (work["case_id"], work["data"]) == (str(id), {"amount": 7})
    assert models("say", robot, claim=work["claim"], text="looking") == {"stop": False}
    models("update_case", robot, claim=work["claim"], data={"amount": 7, "ok": None}, labels=["a=b"])
    assert models("finish_case", robot, claim=work["claim"], outcome="complete", reason="paid") == {
        "result": "completed"
    }
    case = models("get_case", case_id=str(id))
    assert (case["status"], case["data"], case["labels"]) == ("completed", {"amount": 7, "ok": None}, ["a=b"])
    assert [message["text"] for message in case["messages"]] == ["looking"]


def test_no_case_is_no_error(models, robot):
    assert models("claim_case", robot) == {"stop": False}


def test_claim_waits_for_a_case(models, queue, robot):

    async def scene(client):
        async with anyio.create_task_group() as group:
            group.start_soon(later)
            return await client.call_tool("claim_case", {"wait_seconds": 20})

    async def later():
        await anyio.to_thread.run_sync(some_cases, models.db, queue)

    assert models.run(scene, robot).structured_content["title"] == "case 0"


@pytest.mark.parametrize(
    ("outcome", "more", "status"),
    [
        ("complete", {}, "completed"),
        ("fail", {"reason": "no"}, "failed"),
        ("postpone", {"until": "2h"}, "postponed"),
        ("hand_over", {"to": "second"}, "pending"),
        ("release", {}, "pending"),
        ("try_again", {"reason": "503"}, "pending"),
    ],
)
def test_ends_a_case_with_each_outcome(models, queue, robot, outcome, more, status):
    second = agents.create(models.db, models.casework.settings, DEFAULT_TEAM, "second", kind=AgentKind.PULL)
    queues.set_consumer(models.db, DEFAULT_TEAM, queue.id, second.id, trigger=False, concurrency=1)
    (id,) = some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    models("finish_case", robot, claim=claim, outcome=outcome, **more)
    assert the_case(models.db, id).status == status
    assert the_case(models.db, id).assigned_agent_id == (second.id if outcome == "hand_over" else None)
    said = models.refused("finish_case", robot, claim=claim, outcome="complete")
    assert said.startswith("The claim has ended: ")
    assert the_case(models.db, id).status == status


def test_a_wrong_outcome_leaves_the_case_with_its_agent(models, queue, robot):
    (id,) = some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    assert models.refused("finish_case", robot, claim=claim, outcome="postpone") == "The outcome postpone needs until."
    assert "belongs to" in models.refused("finish_case", robot, claim=claim, outcome="complete", until="2h")
    assert "'nobody'" in models.refused("finish_case", robot, claim=claim, outcome="hand_over", to="nobody")
    assert "robot" in models.refused("finish_case", robot, claim=claim, outcome="hand_over", to="nobody")
    assert models.refused("finish_case", robot, claim=claim, outcome="postpone", until="whenever")
    assert the_case(models.db, id).status == "claimed"


def test_asks_a_person_and_goes_on_with_the_answer(models, queue, robot):
    (id,) = some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    assert models("ask_person", robot, claim=claim, title="Colour?", options=["red", "blue"])["result"] == "needs_input"
    (request,) = models("list_requests", queue="inbox")["requests"]
    assert (request["title"], request["options"]) == ("Colour?", ["red", "blue"])
    answered = models("answer_request", request_id=request["id"], value="red")
    assert (answered["status"], answered["answer"]) == ("answered", "red")
    work = models("claim_case", robot)
    (answer,) = work["answers"]
    assert (work["case_id"], answer["question"], answer["answer"]) == (str(id), "Colour?", "red")
    assert work["claim"] != claim


def test_reads_the_held_case_again(models, queue, robot):
    some_cases(models.db, queue, data={"text": "y" * 20_000})
    first = models("claim_case", robot)
    again = models("claim_case", robot, claim=first["claim"], data_from=first["data_next"])
    assert again["case_id"] == first["case_id"]
    assert first["data_text"] + again["data_text"] == '{"text":"' + "y" * 20_000 + '"}'


def test_a_call_keeps_the_run_for_a_models_pace(models, queue, robot):
    """The sweep of a worker's lease, half a minute, does not take the case from an agent that thinks."""
    some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    run_id = claim.partition(".")[0]
    beat = runs.get(models.db, DEFAULT_TEAM, run_id).alive_at
    ahead = (beat - datetime.now(UTC)).total_seconds()
    settings = models.casework.settings
    assert settings.mcp_lease_seconds - settings.lease_seconds - 60 < ahead <= settings.mcp_lease_seconds
    assert models("say", robot, claim=claim, text="still here") == {"stop": False}
    assert runs.get(models.db, DEFAULT_TEAM, run_id).alive_at > beat


def test_learns_that_its_case_was_taken(models, queue, robot):
    (id,) = some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    models("settle_case", case_id=str(id), status="completed")
    assert models("finish_case", robot, claim=claim, outcome="release")["result"] == "interrupted"
    assert models.refused("say", robot, claim=claim, text="hello?").startswith("The claim has ended: ")


def test_learns_that_it_is_to_stop_and_gives_the_case_back(models, queue, robot):
    (id,) = some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    queues.set_mode(models.db, DEFAULT_TEAM, queue.id, QueueMode.DRAINING)
    queues.release_live_runs(models.db, models.casework.settings, DEFAULT_TEAM, queue.id)
    assert models("say", robot, claim=claim, text="one more thing") == {"stop": True}
    assert models("claim_case", robot, claim=claim)["stop"] is True
    models("finish_case", robot, claim=claim, outcome="release")
    assert the_case(models.db, id).status == "pending"


def test_an_agents_key_works_for_its_own_agent_only(models, queue, robot):
    some_cases(models.db, queue)
    claim = models("claim_case", robot)["claim"]
    stranger = models.key(Role.AGENT, "stranger")
    assert models.refused("claim_case", stranger, agent="robot") == "There is no agent 'robot'."
    for tool, more in (
        ("say", {"text": "x"}),
        ("finish_case", {"outcome": "complete"}),
        ("update_case", {"title": "t"}),
    ):
        assert models.refused(tool, stranger, claim=claim, **more).startswith("There is no run of a pull agent")


def test_an_admin_names_the_agent_to_work_as(models, queue, robot):
    some_cases(models.db, queue)
    assert models.refused("claim_case").startswith("agent: ")
    assert models("claim_case", agent="robot")["title"] == "case 0"


@pytest.mark.parametrize("claim", ["", "x", "0" * 36 + ".1", "00000000-0000-7000-8000-000000000000.999999999"])
def test_a_made_up_claim_is_refused(models, robot, claim):
    assert models.refused("say", robot, claim=claim, text="x")
    assert models.refused("finish_case", robot, claim=claim, outcome="complete")


def test_a_cancelled_claim_gives_the_case_back(models, queue, robot):
    """The client goes away while its claim is made: nobody would ever learn of it."""
    (id,) = some_cases(models.db, queue)

    async def scene(client):
        with models.db.begin() as tx:
            tx.sql("lock table runs in share mode")
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "claim_case", {})
                await anyio.to_thread.run_sync(wait_for, lambda: waiting(models.db) > 0, "the claim to be made")
                group.cancel_scope.cancel()
                tx.sql("commit")

    models.run(scene, robot)
    wait_for(lambda: "released" in history(models.db, id), "the case to be given back")
    assert the_case(models.db, id).status == "pending"
