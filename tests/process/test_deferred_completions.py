"""A process that carries a completion, and is ended before the next run comes."""

import os
import signal

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.service import queues
from factories import TEAM, a_consumer, a_queue, an_agent, history, some_cases
from patience import wait_for

pytestmark = pytest.mark.process


def a_deferring_worker(installation, pool):
    """It has done all of the work, and waits for a start to write the last completion with."""
    installation.environment |= {"SAMPLE_DEFER_SECONDS": "600", "CASEWORK_BUNDLE_SECONDS": "0"}
    queue = a_queue(installation.db)
    a_consumer(installation.db, queue, an_agent(installation.db, "quick", target="sample_agents:is_deferred"))
    ids = some_cases(installation.db, queue, 20)
    worker = installation.everything(pool, 1)
    wait_for(
        lambda: (
            (installation.counted(queue)[CaseStatus.COMPLETED], installation.running(queue)) == (19, 1)
            and not installation.casework.publisher.redis.llen(installation.casework.publisher.names.runs)
        ),
        "the last completion to be carried",
    )
    wait_for(lambda: len(worked(installation)) == 20, "the last run to return")
    return worker, queue, ids


def worked(installation):
    log = installation.logs / "sample.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("pool", list(Pool))
def test_worker_that_shuts_down_writes_deferred_completions(installation, pool):
    worker, queue, ids = a_deferring_worker(installation, pool)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    assert installation.counted(queue)[CaseStatus.COMPLETED] == 20
    assert {tuple(history(installation.db, id)) for id in ids} == {("created", "claimed", "completed")}


def test_deferred_run_of_a_killed_worker_is_attempted_again(installation):
    worker, queue, _ = a_deferring_worker(installation, Pool.THREADS)
    os.kill(worker.pid, signal.SIGKILL)
    installation.environment["SAMPLE_DEFER_SECONDS"] = "0.01"
    installation.worker(Pool.THREADS, 1)
    installation.wait_until_ended(queue, 20)
    assert len(worked(installation)) == 21
    assert installation.runs_per_case(queue) == {(1, 1)}
    assert queues.stats(installation.db, TEAM, queue.id).counters["run_lost"] == 1
