"""Agents that take their process down or hold it: they cost themselves, and nobody else."""

import threading
from contextlib import contextmanager

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.core.model import NewCase
from casework.service import cases, queues
from factories import TEAM, a_consumer, a_queue, an_agent, history, some_cases
from patience import wait_for

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
def a_worker_that_is_started_again(installation, pool, concurrency):
    """A worker, and another one whenever it ends, as a supervisor of processes starts it."""
    worker = installation.worker(pool, concurrency)
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
def test_fails_runs_that_kill_their_process_and_stops_no_others(ticking, pool):
    queue = the_only_consumer(ticking, "is_poison")
    good = healthy_cases(ticking, queue, 12)
    bad = cases.create(ticking.db, queue.id, [NewCase(how, how) for how in POISONS]).value
    with a_worker_that_is_started_again(ticking, pool, 2):
        ticking.wait_until_ended(queue, 15)
    for id in bad:
        assert history(ticking.db, id).count("attempt_failed") == 1
        assert reason(ticking, id).endswith("fell silent for 3 s, in attempt after attempt")
    counted = ticking.counted(queue)
    assert (counted[CaseStatus.FAILED], counted[CaseStatus.COMPLETED]) == (3, 12)
    assert {history(ticking.db, id).count("completed") for id in good} == {1}
    assert queues.stats(ticking.db, TEAM, queue.id).counters["run_lost"] >= 6


def test_repeats_runs_that_share_a_message_with_a_poison_once(installation):
    """One run at a time, because a process that dies takes along what its other threads execute, shared or not."""
    queue = the_only_consumer(installation, "is_poison")
    installation.environment["CASEWORK_BUNDLE_SECONDS"] = "10"
    installation.ticker()
    installation.beat()
    with a_worker_that_is_started_again(installation, Pool.THREADS, 1):
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


def test_fails_a_run_at_its_memory_limit_and_keeps_the_process(ticking):
    queue = the_only_consumer(ticking, "wants_all_memory")
    ticking.worker(concurrency=1)
    bad, again = some_cases(ticking.db, queue, 2)
    (good,) = healthy_cases(ticking, queue, 1)
    ticking.wait_until_ended(queue, 3)
    assert [reason(ticking, id) for id in (bad, again, good)] == ["MemoryError", "MemoryError", "slept"]
    assert "attempt_failed" not in history(ticking.db, bad)


def test_keeps_a_run_whose_child_process_holds_its_interpreter(ticking):
    queue = the_only_consumer(ticking, "holds_the_interpreter")
    ticking.worker(Pool.PREFORK, 2)
    (case_id,) = some_cases(ticking.db, queue, data={"seconds": 5})
    ticking.casework.publisher.nudge()
    wait_for(lambda: ticking.running(queue) == 1, "the run to start")
    good = healthy_cases(ticking, queue, 12)
    ticking.wait_until_ended(queue, 13)
    assert reason(ticking, case_id) == "in attempt 1"
    # Where the machine is busy, its message is sent again before the first start.
    told = [event for event in history(ticking.db, case_id) if event != "resent"]
    assert told == ["created", "claimed", "completed"]
    assert {history(ticking.db, id).count("completed") for id in good} == {1}
    assert queues.stats(ticking.db, TEAM, queue.id).counters["run_lost"] == 0


def test_fences_out_a_thread_that_holds_its_interpreter(ticking):
    """Nobody can say that its process lives: the others of its pool are its threads. A newer attempt completes the case, and the older one is refused."""
    queue = the_only_consumer(ticking, "holds_the_interpreter")
    ticking.worker(Pool.THREADS, 2)
    ticking.worker(Pool.THREADS, 2)
    (case_id,) = some_cases(ticking.db, queue, data={"seconds": 6})
    ticking.casework.publisher.nudge()
    wait_for(lambda: ticking.running(queue) == 1, "the run to start")
    good = healthy_cases(ticking, queue, 12)
    ticking.wait_until_ended(queue, 13)
    assert reason(ticking, case_id) == "in attempt 2"
    wait_for(lambda: "write_refused" in history(ticking.db, case_id), "the late outcome to be refused")
    assert history(ticking.db, case_id)[-4:] == ["attempt_failed", "resumed", "completed", "write_refused"]
    assert {history(ticking.db, id).count("completed") for id in good} == {1}
    assert ticking.runs_per_case(queue) == {(1, 1)}
    counted = queues.stats(ticking.db, TEAM, queue.id).counters
    assert counted["run_lost"] >= 1
    assert counted["write_refused"] >= 1
