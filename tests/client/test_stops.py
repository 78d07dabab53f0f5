"""Stop requests, lost runs and the end of the program reach the handler, with both clients."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from casework import Complete
from casework.client import AsyncClient, Client, RunLost
from casework.service.sweep import sweep
from casework.settings import Settings
from casework.wiring import connect
from client.conftest import URL
from factories import history


@pytest.fixture(scope="module")
def installation(new_database, servers, tmp_path_factory):
    """With a lease of a second, so that heartbeats come soon."""
    home = tmp_path_factory.mktemp("h")
    casework = connect(
        Settings(database_url=new_database("stops"), redis_url=servers.redis, home=home, lease_seconds=1.0)
    )
    yield casework
    casework.close()


def test_a_stop_reaches_a_plain_handler_and_its_run_ends(api, sync, queue, sync_works):
    case_id = sync.add_case(queue, "a")["id"]
    attempts = []

    def loops(run):
        attempts.append(run.id)
        if len(attempts) == 1:
            sync.retry_cases(queue, [case_id])
            run.sleep(60)
            raise AssertionError("was not stopped")
        return Complete()

    assert sync_works(loops) == 2
    assert attempts[0] != attempts[1]
    assert sync.get_case(case_id)["case"]["status"] == "completed"
    assert "run_lost" not in history(api.db, UUID(case_id))


def test_a_stop_cancels_an_async_handler(api, sync, queue, async_works):
    case_id = sync.add_case(queue, "a")["id"]
    seen = []

    async def waits(run):
        seen.append(run.id)
        if len(seen) == 1:
            sync.retry_cases(queue, [case_id])
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("unwound")
        return Complete()

    assert async_works.awaiting(waits) == 2
    assert seen[1] == "unwound"
    assert sync.get_case(case_id)["case"]["status"] == "completed"


def lose(api):
    """Take the runs that are being worked on away, as from an agent that is silent."""
    with api.db.begin() as tx:
        tx.sql("update runs set last_heartbeat_at = last_heartbeat_at - %(age)s", {"age": timedelta(hours=1)})
    sweep(api.db, api.casework.settings)


def test_a_lost_fence_reaches_the_handler_and_nothing_is_reported(works, api, sync, queue):
    case_id = sync.add_case(queue, "a")["id"]
    caught = []

    def writes(run):
        if run.attempt > 1:
            return Complete("second")
        lose(api)
        try:
            run.say("late")
        except RunLost as error:
            caught.append(error.code)
            raise

    async def writes_async(run):
        if run.attempt > 1:
            return Complete("second")
        lose(api)
        try:
            await run.say("late")
        except RunLost as error:
            caught.append(error.code)
            raise

    works.awaiting(writes_async) if works.is_async else works(writes)
    assert caught == ["run_lost"]
    assert history(api.db, UUID(case_id)).count("write_refused") == 1
    with api.db.begin() as tx:
        tx.sql("update cases set ready_at = now()")
    works(lambda run: Complete("second"))
    assert sync.get_case(case_id)["events"][-1]["reason"] == "second"


def test_a_heartbeat_that_is_refused_stops_the_handler(works, api, sync, queue):
    case_id = sync.add_case(queue, "a")["id"]
    seen = []

    def works_on(run):
        if run.attempt == 1:
            lose(api)
            run.sleep(60)
            raise AssertionError("was not stopped")
        return Complete()

    async def works_on_async(run):
        if run.attempt == 1:
            lose(api)
            await run.sleep(60)
            seen.append("was not stopped")
        return Complete()

    works.awaiting(works_on_async) if works.is_async else works(works_on)
    assert seen == []
    assert "write_refused" not in history(api.db, UUID(case_id))


def test_stopping_from_another_thread_releases_the_run(api, sync, queue, agent_key):
    case_id = sync.add_case(queue, "a")["id"]
    pulling, begun = Client(URL, agent_key, http=api.client).agent("remote"), threading.Event()

    def waits(run):
        begun.set()
        run.sleep(60)
        return Complete()

    thread = threading.Thread(target=pulling.work, args=(waits,))
    thread.start()
    assert begun.wait(20)
    pulling.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert sync.get_case(case_id)["case"]["status"] == "pending"
    assert history(api.db, UUID(case_id))[-1] == "released"


def test_cancelling_the_work_releases_its_runs(api, sync, queue, agent_key):
    case_id = sync.add_case(queue, "a")["id"]

    async def scene():
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api.client.app)) as http:
            begun = asyncio.Event()

            async def waits(run):
                begun.set()
                await asyncio.sleep(60)

            work = asyncio.ensure_future(AsyncClient(URL, agent_key, http=http).agent("remote").work(waits))
            await asyncio.wait_for(begun.wait(), 20)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    asyncio.run(scene())
    assert history(api.db, UUID(case_id))[-1] == "released"
