"""Claims that wait: together, in their order, and only so many with one key."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from fastapi import HTTPException

from casework.api.waiting import Waiter, WaitingClaims
from casework.core.model import DEFAULT_TEAM, AgentKind
from casework.core.roles import Role
from casework.errors import DatabaseUnavailable
from casework.service import agents, keys, queues
from casework.wiring import Casework
from factories import a_queue, some_cases
from patience import PATIENCE


@dataclass
class Counting:
    """A database that counts its transactions."""

    db: object
    used: Counter = field(default_factory=Counter)
    away: bool = False

    def single(self):
        self.used["looks"] += 1
        if self.away:
            raise DatabaseUnavailable
        return self.db.single()

    def begin(self):
        self.used["claims"] += 1
        return self.db.begin()


class Client:
    """A client that stays, or goes away."""

    def __init__(self):
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def installed(committed, settings):
    db = committed
    queue = a_queue(db)
    found = [agents.create(db, settings, DEFAULT_TEAM, name, kind=AgentKind.PULL) for name in ("one", "two")]
    for agent in found:
        queues.set_consumer(db, DEFAULT_TEAM, queue.id, agent.id, trigger=True, concurrency=None)
    key, _ = keys.create(db, DEFAULT_TEAM, "k", Role.ADMIN)
    counting = Counting(db)
    casework = Casework(settings, counting, SimpleNamespace())
    return SimpleNamespace(db=db, queue=queue, agents=found, key=key, counting=counting, casework=casework)


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def waiter(installed, agent=0):
    return Waiter(installed.key, installed.agents[agent].id, "w", None)


def test_a_hundred_claims_that_wait_cost_one_look_at_a_time(installed):
    async def scene():
        waiting = WaitingClaims(installed.casework, 1000)
        tasks = [asyncio.ensure_future(waiting.wait(waiter(installed), 30, Client())) for _ in range(100)]
        await until(lambda: installed.counting.used["looks"] >= 3)
        assert installed.counting.used["looks"] <= 4
        assert installed.counting.used["claims"] == 0
        some_cases(installed.db, installed.queue, 100)
        return await asyncio.gather(*tasks)

    works = asyncio.run(scene())
    assert len({work.run_id for work in works}) == 100


def test_cases_go_to_those_who_wait_longest(installed):
    async def scene():
        waiting = WaitingClaims(installed.casework, 1000)
        first = asyncio.ensure_future(waiting.wait(waiter(installed), 30, Client()))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(waiting.wait(waiter(installed), 30, Client()))
        await until(lambda: installed.counting.used["looks"])
        (case_id,) = some_cases(installed.db, installed.queue, 1)
        work = await first
        assert work.case.id == case_id
        assert not second.done()
        some_cases(installed.db, installed.queue, 1)
        assert await second

    asyncio.run(scene())


def test_who_waits_in_vain_or_goes_away_gets_nothing_and_takes_nothing(installed):
    async def scene():
        waiting, client = WaitingClaims(installed.casework, 1000), Client()
        assert await waiting.wait(waiter(installed), 0.05, Client()) is None
        leaving = asyncio.ensure_future(waiting.wait(waiter(installed), 30, client))
        await asyncio.sleep(0)
        client.gone.set()
        assert await leaving is None
        some_cases(installed.db, installed.queue, 1)
        assert await waiting.wait(waiter(installed, 1), 30, Client())

    asyncio.run(scene())


def test_only_so_many_claims_of_a_key_wait(installed):
    async def scene():
        waiting = WaitingClaims(installed.casework, 2)
        tasks = [asyncio.ensure_future(waiting.wait(waiter(installed), 30, Client())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as refused:
            await waiting.wait(waiter(installed), 30, Client())
        assert refused.value.status_code == 429
        some_cases(installed.db, installed.queue, 2)
        assert all(await asyncio.gather(*tasks))
        assert await waiting.wait(waiter(installed), 0.01, Client()) is None

    asyncio.run(scene())


def test_a_database_that_goes_away_ends_the_waits_with_its_error(installed):
    async def scene():
        waiting = WaitingClaims(installed.casework, 1000)
        installed.counting.away = True
        with pytest.raises(DatabaseUnavailable):
            await waiting.wait(waiter(installed), 30, Client())
        installed.counting.away = False
        some_cases(installed.db, installed.queue, 1)
        assert await waiting.wait(waiter(installed), 30, Client())

    asyncio.run(scene())


def test_a_waiting_claim_of_nobodys_agent_is_not_found(api):
    api("POST", f"/v1/agents/{uuid4()}/claim", 404, json={"wait_seconds": 30})


def test_a_claim_over_http_that_is_one_too_many_is_a_429(api, installation, queue, agent):
    api.client.app.state.waiting = WaitingClaims(installation, 0)
    try:
        answer = api("POST", f"/v1/agents/{agent}/claim", 429, json={"wait_seconds": 30})
        assert answer["error"] == "too_many_requests"
        api("POST", f"/v1/agents/{agent}/claim", 204, json={})
    finally:
        api.client.app.state.waiting = WaitingClaims(installation, 100)
    assert UUID(agent)
