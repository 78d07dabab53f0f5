"""A process that carries a completion, and is ended before the next run comes."""

import os
import signal

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.service import queues
from casework.store import transitions
from factories import TEAM, a_consumer, a_queue, an_agent, claim, history, some_cases, start
from patience import PATIENCE, wait_for

KNOWN, ALL = 15, 35

pytestmark = pytest.mark.process


def a_deferring_worker(installation, pool):
    """It has done all of the work, and waits for a start to write the last completion with."""
    installation.environment |= {"SAMPLE_DEFER_SECONDS": "600", "CASEWORK_BUNDLE_SECONDS": "0"}
    queue = a_queue(installation.db)
    a_consumer(installation.db, queue, an_agent(installation.db, "quick", target="sample_agents:is_deferred"))
    # Only short runs are claimed ahead, and so followed by a start at once.
    ids = some_cases(installation.db, queue, KNOWN)
    for message in claim(installation.db):
        fence = start(installation.db, message)
        with installation.db.begin() as tx:
            assert transitions.complete(tx, fence, None)
    ids += some_cases(installation.db, queue, ALL - KNOWN)
    worker = installation.everything(pool, 1)
    wait_for(
        lambda: (
            (installation.counted(queue)[CaseStatus.COMPLETED], installation.running(queue)) == (ALL - 1, 1)
            and not installation.casework.publisher.redis.llen(installation.casework.publisher.names.runs)
        ),
        "the last completion to be carried",
    )
    wait_for(lambda: len(worked(installation)) == ALL - KNOWN, "the last run to return")
    return worker, queue, ids


def worked(installation):
    log = installation.logs / "sample.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("pool", [Pool.PREFORK, pytest.param(Pool.THREADS, marks=pytest.mark.quick)])
def test_worker_that_shuts_down_writes_deferred_completions(installation, pool):
    worker, queue, ids = a_deferring_worker(installation, pool)
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE)
    assert installation.counted(queue)[CaseStatus.COMPLETED] == ALL
    assert {tuple(history(installation.db, id)) for id in ids} == {("created", "claimed", "completed")}


def test_deferred_run_of_a_killed_worker_is_attempted_again(installation):
    worker, queue, _ = a_deferring_worker(installation, Pool.THREADS)
    os.kill(worker.pid, signal.SIGKILL)
    installation.environment["SAMPLE_DEFER_SECONDS"] = "0.01"
    installation.worker(Pool.THREADS, 1)
    installation.wait_until_ended(queue, ALL)
    assert len(worked(installation)) == ALL - KNOWN + 1
    assert installation.runs_per_case(queue) == {(1, 1)}
    assert queues.stats(installation.db, TEAM, queue.id).counters["run_lost"] == 1
