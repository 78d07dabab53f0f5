"""Agents in programs elsewhere, against an API in another process: signals, and an API that goes away."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind
from casework.core.roles import Role
from casework.service import agents, keys, queues
from factories import history, some_cases
from patience import PATIENCE, wait_for
from ports import free_port, get

pytestmark = pytest.mark.process

SYNC = """
import os, sys, time
from casework import Complete
from casework.client import Client

def handler(run):
    run.say("begun")
    {body}
    return Complete("done")

with Client(os.environ["API"], os.environ["KEY"]) as client:
    client.agent("remote").work(handler)
"""

ASYNC = """
import asyncio, os, sys
from casework import Complete
from casework.client import AsyncClient

async def handler(run):
    await run.say("begun")
    {body}
    return Complete("done")

async def main():
    async with AsyncClient(os.environ["API"], os.environ["KEY"]) as client:
        await client.agent("remote").work(handler, concurrency=20)

asyncio.run(main())
"""

BLOCKED = {SYNC: "time.sleep(300)", ASYNC: "await asyncio.sleep(300)"}
AT_ONCE = {SYNC: "pass", ASYNC: "await asyncio.sleep(0.01)"}
UNTIL_LET_GO = {
    SYNC: "while not os.path.exists(sys.argv[1]): time.sleep(0.02)",
    ASYNC: "while not os.path.exists(sys.argv[1]): await asyncio.sleep(0.02)",
}
KINDS = pytest.mark.parametrize("kind", [SYNC, ASYNC], ids=["sync", "async"])


@pytest.fixture
def elsewhere(installation, tmp_path):
    """An API, a queue with a pull agent of 20 slots, and how to start a program that is the agent."""
    db, port = installation.db, free_port()
    queue = queues.create(db, DEFAULT_TEAM, "inbox")
    agent = agents.create(db, installation.settings, DEFAULT_TEAM, "remote", kind=AgentKind.PULL)
    queues.set_consumer(db, DEFAULT_TEAM, queue.id, agent.id, trigger=True, concurrency=20)
    token = keys.create(db, DEFAULT_TEAM, "k", Role.AGENT, for_agents=[agent.id])[1]
    installation.environment.update(API=f"http://127.0.0.1:{port}", KEY=token)

    def start_api() -> subprocess.Popen[bytes]:
        api = installation.start([sys.executable, "-m", "casework", "api", "--port", str(port)])
        wait_for(lambda: get(port, "/healthz") == 200, "the API to serve")
        return api

    def start_agent(kind: str, bodies: dict[str, str]) -> subprocess.Popen[bytes]:
        program = tmp_path / "agent.py"
        program.write_text(kind.format(body=bodies[kind]))
        return installation.start([sys.executable, str(program), str(tmp_path / "go")])

    def texts() -> int:
        with db.single() as tx:
            return tx.sql("select count(*) from run_messages").scalar_one()

    return SimpleNamespace(
        db=db,
        queue=queue,
        start_api=start_api,
        start_agent=start_agent,
        texts=texts,
        go=tmp_path / "go",
        installation=installation,
        used=lambda: keys.find(db, DEFAULT_TEAM)[0].last_used_at,
    )


@KINDS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_releases_the_run_and_then_ends_the_program(elsewhere, kind, number):
    (case_id,) = some_cases(elsewhere.db, elsewhere.queue, 1)
    elsewhere.start_api()
    agent = elsewhere.start_agent(kind, BLOCKED)
    wait_for(elsewhere.texts, "the handler to begin")
    agent.send_signal(number)
    assert agent.wait(PATIENCE) == -number
    assert history(elsewhere.db, case_id)[-1] == "released"
    with elsewhere.db.single() as tx:
        assert tx.sql("select failures from runs").scalar_one() == 0


@KINDS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_program_that_waits_for_work(elsewhere, kind, number):
    elsewhere.start_api()
    agent = elsewhere.start_agent(kind, AT_ONCE)
    wait_for(elsewhere.used, "the claim to arrive")
    agent.send_signal(number)
    assert agent.wait(PATIENCE) == -number


@KINDS
def test_an_agent_outlasts_an_api_that_is_killed_amid_its_run(elsewhere, kind):
    some_cases(elsewhere.db, elsewhere.queue, 1)
    api = elsewhere.start_api()
    agent = elsewhere.start_agent(kind, UNTIL_LET_GO)
    wait_for(elsewhere.texts, "the handler to begin")
    api.kill()
    api.wait()
    elsewhere.go.touch()
    elsewhere.start_api()
    elsewhere.installation.wait_until_ended(elsewhere.queue, 1)
    some_cases(elsewhere.db, elsewhere.queue, 3)
    elsewhere.installation.wait_until_ended(elsewhere.queue, 4)
    assert elsewhere.installation.runs_per_case(elsewhere.queue) == {(1, 1)}
    assert agent.poll() is None


@KINDS
def test_an_agent_works_a_queue_off_each_case_once(elsewhere, kind):
    some_cases(elsewhere.db, elsewhere.queue, 60)
    elsewhere.start_agent(kind, AT_ONCE)
    elsewhere.start_api()
    elsewhere.installation.wait_until_ended(elsewhere.queue, 60)
    assert elsewhere.installation.runs_per_case(elsewhere.queue) == {(1, 1)}
