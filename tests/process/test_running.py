"""What an installation that runs does with cases, whatever happens to Redis."""

import os
import signal

import pytest

from casework.broker.publisher import client
from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import DEFAULT_TEAM
from casework.service import cases, requests, runs
from casework.store import processes
from factories import TEAM, history, the_case, worked_queue
from patience import PATIENCE, wait_for

pytestmark = pytest.mark.process


@pytest.mark.quick
def test_resumes_after_an_answer_and_an_approval(working):
    installation = working(Pool.PREFORK)
    queue, _ = worked_queue(installation.db, "sample_agents:asks")
    (case_id,) = installation.add(queue)
    (question,) = wait_for(lambda: requests.find(installation.db, TEAM), "the question")
    installation.casework.perform(requests.answer(installation.db, TEAM, question.id, "blue"))
    (approval,) = wait_for(lambda: requests.find(installation.db, TEAM), "the approval")
    installation.casework.perform(requests.decide(installation.db, TEAM, approval.id, True))
    installation.wait_until_ended(queue, 1)
    assert cases.get(installation.db, TEAM, case_id)[1][-1].reason == "blue 1"


@pytest.mark.parametrize("target", ["completes", "completes_async"])
@pytest.mark.parametrize("pool", [pytest.param(Pool.PREFORK, marks=pytest.mark.quick), Pool.THREADS])
def test_works_each_case_once_in_each_pool_with_each_kind_of_agent(working, pool, target):
    installation = working(pool)
    queue, _ = worked_queue(installation.db, f"sample_agents:{target}", concurrency=6)
    installation.add(queue, 60)
    installation.wait_until_ended(queue, 60)
    assert installation.runs_per_case(queue) == {(1, 1)}


@pytest.mark.quick
def test_loses_nothing_when_redis_is_emptied(working):
    installation = working(Pool.THREADS)
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.add(queue, 150, data={"seconds": 0.01})
    with client(installation.settings.redis_url) as redis:
        for ended in (20, 60, 100):
            installation.wait_until_ended(queue, ended)
            redis.flushdb()
    installation.wait_until_ended(queue, 150)
    assert installation.runs_per_case(queue) == {(1, 1)}


def test_goes_on_when_redis_is_killed_and_comes_back(working):
    """The session's supervisor starts it again. A ticker that was busy when it went has missed its end."""
    installation = working(Pool.THREADS)
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.add(queue, 90, data={"seconds": 0.05})
    for ended in (15, 30, 45):
        installation.wait_until_ended(queue, ended)
        with client(installation.settings.redis_url) as redis:
            os.kill(redis.info("server")["process_id"], signal.SIGKILL)
    installation.wait_until_ended(queue, 90)
    assert installation.runs_per_case(queue) == {(1, 1)}


@pytest.mark.parametrize("target", [pytest.param("loops", marks=pytest.mark.quick), "loops_async"])
def test_stops_a_run_when_its_case_is_taken(working, target):
    installation = working(Pool.THREADS)
    queue, agent = worked_queue(installation.db, f"sample_agents:{target}", concurrency=1)
    for action in ("retry", "delegate", "settle", "delete", "stop"):
        take_a_running_case(installation, queue, agent, action)


def take_a_running_case(installation, queue, agent, action):
    """Its run stops, and only then does the case go on."""
    db, settings = installation.db, installation.settings
    (case_id,) = installation.add(queue)
    (run,) = wait_for(
        lambda: runs.find(db, DEFAULT_TEAM, case_id=case_id, statuses=[RunStatus.RUNNING], limit=1), "the run to start"
    )
    wait_for(lambda: runs.list_messages(db, TEAM, run.id, limit=1), "the run to speak")
    act = {
        "retry": lambda: cases.retry(db, settings, queue.id, [case_id]),
        "delegate": lambda: cases.delegate(db, settings, queue.id, [case_id], agent.id),
        "settle": lambda: cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED),
        "delete": lambda: cases.delete(db, settings, queue.id, [case_id]),
        "stop": lambda: runs.stop(db, settings, TEAM, run.id),
    }[action]
    installation.casework.perform(act())
    wait_for(lambda: runs.get(db, TEAM, run.id).status is RunStatus.INTERRUPTED, f"the run to stop after {action}")
    if action in ("retry", "delegate"):
        wait_for(lambda: the_case(db, case_id).status is CaseStatus.CLAIMED, "the case to go on")
        events = history(db, case_id)
        assert events.index("interrupted") < len(events) - 1 - events[::-1].index("claimed")
        installation.casework.perform(cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED))
        wait_for(lambda: installation.running(queue) == 0, "the second run to stop")


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_a_ticker_that_ends_is_not_seen_as_a_worker(installation, ends):
    ticker = installation.ticker()

    def seen():
        with installation.db.begin() as tx:
            return {one.role for one in processes.find(tx)}

    installation.beat()
    wait_for(lambda: seen() == {"ticker"}, "the ticker to be seen")
    ticker.send_signal(ends)
    assert ticker.wait(PATIENCE) == 0
    assert seen() == {"ticker"}


def test_stops_a_run_by_its_next_heartbeat_without_redis(working):
    installation = working(Pool.THREADS)
    queue, _ = worked_queue(installation.db, "sample_agents:loops")
    (case_id,) = installation.add(queue)
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    cases.settle(installation.db, installation.settings, queue.id, [case_id], CaseStatus.COMPLETED)
    wait_for(lambda: installation.running(queue) == 0, "the run to stop")
