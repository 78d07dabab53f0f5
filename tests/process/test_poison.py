"""Agents that take their process down or hold it: they cost themselves, and nobody else."""

import threading
from contextlib import contextmanager

import pytest
from patience import wait_for

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.core.model import NewCase
from casework.service import cases, queues
from factories import TEAM, a_consumer, a_queue, an_agent, history, some_cases

pytestmark = pytest.mark.process

POISONS = ("exits", "segfaults", "is killed")


def reason(installation, case_id):
    return cases.get(installation.db, TEAM, case_id)[1][-1].reason


def healthy_cases(installation, queue, count):
    """Cases that another agent works on."""
    healthy = an_agent(installation.db, "healthy", target="sample_agents:sleeps")
    a_consumer(installation.db, queue, healthy, trigger=False)
    ids = some_cases(installation.db, queue, count, data={"seconds": 0.2})
    installation.casework.perform(cases.delegate(installation.db, installation.settings, queue.id, ids, healthy.id))
    return ids


def the_only_consumer(installation, target):
    queue = a_queue(installation.db)
    agent = an_agent(installation.db, "poison", target=f"sample_agents:{target}", max_attempts=2)
    a_consumer(installation.db, queue, agent)
    return queue


def harmless_cases_share_a_message(installation, queue):
    """Work on some cases, and say whether several were completed by one statement: by then the ticker knows how short they are."""
    before = installation.counted(queue)[CaseStatus.COMPLETED]
    ids = some_cases(installation.db, queue, 20, data="harmless")
    installation.wait_until_ended(queue, before + 20)
    return len({cases.get(installation.db, TEAM, id)[0].completed_at for id in ids}) < len(ids)


@contextmanager
def everything_with_its_worker_started_again(installation, pool, concurrency):
    """All roles, and the worker anew whenever it ends, as a supervisor of processes does."""
    worker = installation.everything(pool, concurrency)
    done = threading.Event()

    def keep():
        process = worker
        while not done.wait(0.05):
            if process.poll() is not None:
                process = installation.worker(pool, concurrency)

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


@pytest.mark.parametrize("pool", list(Pool))
def test_runs_that_kill_their_process_each_time_fail_and_stop_nobody_else(installation, pool):
    queue = the_only_consumer(installation, "is_poison")
    good = healthy_cases(installation, queue, 12)
    bad = cases.create(installation.db, queue.id, [NewCase(how, how) for how in POISONS]).value
    with everything_with_its_worker_started_again(installation, pool, 2):
        installation.wait_until_ended(queue, 15)
    for id in bad:
        assert history(installation.db, id).count("attempt_failed") == 1
        assert reason(installation, id).endswith("fell silent for 3 s, in attempt after attempt")
    counted = installation.counted(queue)
    assert (counted[CaseStatus.FAILED], counted[CaseStatus.COMPLETED]) == (3, 12)
    assert {history(installation.db, id).count("completed") for id in good} == {1}
    assert queues.stats(installation.db, TEAM, queue.id).counters["run_lost"] >= 6


def test_a_poison_that_shares_a_message_takes_the_others_along_once(installation):
    """One run at a time, because a process that dies takes along what its other threads execute, shared or not."""
    queue = the_only_consumer(installation, "is_poison")
    installation.environment["CASEWORK_BUNDLE_SECONDS"] = "10"
    with everything_with_its_worker_started_again(installation, Pool.THREADS, 1):
        wait_for(lambda: harmless_cases_share_a_message(installation, queue), "messages to be shared")
        before = installation.counted(queue)[CaseStatus.COMPLETED]
        new = [NewCase("case", "exits" if number == 7 else "harmless") for number in range(40)]
        made = cases.create(installation.db, queue.id, new)
        installation.casework.perform(made)
        installation.wait_until_ended(queue, before + 40)
    counted = installation.counted(queue)
    assert (counted[CaseStatus.FAILED], counted[CaseStatus.COMPLETED]) == (1, before + 39)
    assert reason(installation, made.value[7]).endswith("fell silent for 3 s, in attempt after attempt")
    attempts = [history(installation.db, id).count("attempt_failed") for id in made.value]
    assert attempts[7] == 1
    assert set(attempts) == {0, 1}
    assert sum(attempts) > 1, "it was alone"


def test_a_run_that_meets_a_limit_of_memory_fails_at_once_and_its_process_lives(installation):
    queue = the_only_consumer(installation, "wants_all_memory")
    installation.everything(concurrency=1)
    bad, again = some_cases(installation.db, queue, 2)
    (good,) = healthy_cases(installation, queue, 1)
    installation.wait_until_ended(queue, 3)
    assert [reason(installation, id) for id in (bad, again, good)] == ["MemoryError", "MemoryError", "slept"]
    assert "attempt_failed" not in history(installation.db, bad)


def test_a_pools_parent_vouches_for_a_child_whose_interpreter_is_held_past_the_lease(installation):
    queue = the_only_consumer(installation, "holds_the_interpreter")
    installation.everything(Pool.PREFORK, 2)
    (case_id,) = some_cases(installation.db, queue, data={"seconds": 9})
    installation.casework.publisher.nudge()
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    good = healthy_cases(installation, queue, 12)
    installation.wait_until_ended(queue, 13)
    assert reason(installation, case_id) == "in attempt 1"
    # Where the machine is busy, its message is sent again before the first start.
    told = [event for event in history(installation.db, case_id) if event != "resent"]
    assert told == ["created", "claimed", "completed"]
    assert {history(installation.db, id).count("completed") for id in good} == {1}
    assert queues.stats(installation.db, TEAM, queue.id).counters["run_lost"] == 0


def test_a_thread_that_holds_its_interpreter_past_the_lease_is_fenced_out(installation):
    """Nobody can say that its process lives: the others of its pool are its threads. A newer attempt completes the case, and the older one is refused."""
    queue = the_only_consumer(installation, "holds_the_interpreter")
    installation.everything(Pool.THREADS, 2)
    installation.worker(Pool.THREADS, 2)
    (case_id,) = some_cases(installation.db, queue, data={"seconds": 9})
    installation.casework.publisher.nudge()
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    good = healthy_cases(installation, queue, 12)
    installation.wait_until_ended(queue, 13)
    assert reason(installation, case_id) == "in attempt 2"
    wait_for(lambda: "write_refused" in history(installation.db, case_id), "the late outcome to be refused")
    assert history(installation.db, case_id)[-4:] == ["attempt_failed", "resumed", "completed", "write_refused"]
    assert {history(installation.db, id).count("completed") for id in good} == {1}
    assert installation.runs_per_case(queue) == {(1, 1)}
    counted = queues.stats(installation.db, TEAM, queue.id).counters
    assert counted["run_lost"] >= 1
    assert counted["write_refused"] >= 1
