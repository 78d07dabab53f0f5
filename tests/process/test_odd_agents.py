"""Agents that end in ways of their own, in real workers."""

import os
import signal
from pathlib import Path

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM, NewCase
from casework.service import cases, runs
from factories import TEAM, a_consumer, a_queue, an_agent, history, some_cases
from patience import wait_for

pytestmark = pytest.mark.process


def reason(installation, case_id):
    return cases.get(installation.db, TEAM, case_id)[1][-1].reason


def a_queue_for(installation, target):
    queue = a_queue(installation.db)
    a_consumer(installation.db, queue, an_agent(installation.db, target=f"sample_agents:{target}"))
    return queue


def children_of(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def said_of_case(installation, queue):
    """What the only run has said."""
    found = runs.find(installation.db, DEFAULT_TEAM, queue_id=queue.id, limit=1)
    return found and runs.list_messages(installation.db, TEAM, found[0].id, limit=1)


@pytest.mark.quick
def test_async_agents_that_exit_end_alone(installation):
    queue = a_queue_for(installation, "exits_if_told")
    told = ["exits" if number % 3 == 0 else "" for number in range(12)]
    ids = cases.create(installation.db, queue.id, [NewCase("a case", data) for data in told]).value
    installation.everything(Pool.THREADS, 3)
    installation.wait_until_ended(queue, 12)
    reasons = ["The agent called exit('enough')." if data else "went on" for data in told]
    assert [reason(installation, id) for id in ids] == reasons
    assert {history(installation.db, id).count("attempt_failed") for id in ids} == {0}


def test_a_prefork_worker_says_which_pool_permits_processes(installation):
    queue = a_queue_for(installation, "starts_a_process")
    (case_id,) = some_cases(installation.db, queue)
    installation.everything(Pool.PREFORK, 1)
    installation.wait_until_ended(queue, 1)
    assert installation.counted(queue)[CaseStatus.FAILED] == 1
    assert "casework worker --pool threads" in reason(installation, case_id)


def test_a_pool_process_that_is_asked_to_end_releases_its_run(installation):
    queue = a_queue_for(installation, "long_at_first")
    (case_id,) = some_cases(installation.db, queue)
    worker = installation.everything(Pool.PREFORK, 1)
    wait_for(lambda: said_of_case(installation, queue), "the agent to begin")
    for child in children_of(worker):
        os.kill(child, signal.SIGTERM)
    installation.wait_until_ended(queue, 1)
    assert reason(installation, case_id) == "in attempt 2"
    assert "released" in history(installation.db, case_id)
    assert "attempt_failed" not in history(installation.db, case_id)
