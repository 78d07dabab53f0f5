"""What the promises say, with real processes: they are killed, stopped and cut off, and every case comes to its end once."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from patience import wait_for

from casework.broker.address import client
from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import NewCase
from casework.service import cases, requests, runs
from factories import TEAM, history, some_cases, the_case, worked_queue

pytestmark = pytest.mark.process


def add(installation, queue, count=1, data=""):
    ids = some_cases(installation.db, queue, count, data=data)
    installation.casework.publisher.nudge()
    return ids


def spans(installation):
    """What each attempt logged, as {case: [(begin, end or None)]}."""
    found = {}
    for line in Path(installation.environment["SAMPLE_LOG"]).read_text().splitlines():
        word, case, attempt, moment = line.split()
        found.setdefault(case, {}).setdefault(attempt, {})[word] = float(moment)
    return found


@pytest.mark.parametrize("pool", list(Pool))
@pytest.mark.parametrize("target", ["completes", "completes_async"])
def test_each_pool_works_each_kind_of_agent_and_each_case_once(installation, pool, target):
    queue, _ = worked_queue(installation.db, f"sample_agents:{target}", concurrency=6)
    installation.everything(pool)
    add(installation, queue, 60)
    installation.wait_until_ended(queue, 60)
    assert installation.runs_per_case(queue) == {(1, 1)}


def test_a_killed_workers_runs_are_taken_up_again_and_none_runs_twice_at_once(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:logs_its_span")
    worker = installation.everything(concurrency=8)
    ids = add(installation, queue, 14, data={"seconds": 2})
    wait_for(lambda: installation.running(queue) == 8, "eight running runs")
    os.kill(worker.pid, signal.SIGKILL)
    installation.worker(concurrency=8)
    installation.wait_until_ended(queue, 14)
    assert installation.runs_per_case(queue) == {(1, 1)}
    lost = [id for id in ids if "attempt_failed" in history(installation.db, id)]
    assert len(lost) == 8
    for attempts in spans(installation).values():
        whole = sorted((one["begin"], one["end"]) for one in attempts.values() if "end" in one)
        assert len(whole) == 1
        for one in attempts.values():
            assert one["begin"] <= whole[0][0]


def test_a_worker_that_is_stopped_releases_a_long_run_to_another(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:long_at_first")
    worker = installation.everything(concurrency=1)
    (case_id,) = add(installation, queue)
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    installation.worker()
    os.kill(worker.pid, signal.SIGTERM)
    installation.wait_until_ended(queue, 1)
    worker.wait(20)
    assert "released" in history(installation.db, case_id)
    (run,) = runs.find(installation.db, case_id=case_id, limit=10)
    assert (run.status, run.failures) == (RunStatus.COMPLETED, 0)


def test_a_worker_that_is_stopped_lets_short_runs_finish(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    worker = installation.everything(concurrency=2)
    (case_id,) = add(installation, queue, data={"seconds": 0.6})
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(20) == 0
    assert history(installation.db, case_id)[-1] == "completed"


def test_a_redis_that_is_emptied_loses_nothing(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.everything(Pool.THREADS)
    add(installation, queue, 150, data={"seconds": 0.01})
    with client(installation.settings.redis_url) as redis:
        for ended in (20, 60, 100):
            installation.wait_until_ended(queue, ended)
            redis.flushdb()
    installation.wait_until_ended(queue, 150)
    assert installation.runs_per_case(queue) == {(1, 1)}


def test_a_redis_that_is_killed_and_comes_back_is_used_again_by_everybody(installation):
    """The session's supervisor starts it again. A ticker that was busy when it went has missed its end."""
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.everything(Pool.THREADS)
    add(installation, queue, 90, data={"seconds": 0.05})
    for ended in (15, 30, 45):
        installation.wait_until_ended(queue, ended)
        with client(installation.settings.redis_url) as redis:
            os.kill(redis.info("server")["process_id"], signal.SIGKILL)
    installation.wait_until_ended(queue, 90)
    assert installation.runs_per_case(queue) == {(1, 1)}


@pytest.mark.parametrize("target", ["loops", "loops_async"])
def test_a_run_stops_when_its_case_is_taken(installation, target):
    queue, agent = worked_queue(installation.db, f"sample_agents:{target}", concurrency=1)
    installation.everything(Pool.THREADS, 2)
    for action in ("retry", "delegate", "settle", "delete", "stop"):
        take_a_running_case(installation, queue, agent, action)


def take_a_running_case(installation, queue, agent, action):
    """Its run stops, and only then does the case go on."""
    db, settings = installation.db, installation.settings
    (case_id,) = add(installation, queue)
    (run,) = wait_for(lambda: runs.find(db, case_id=case_id, statuses=[RunStatus.RUNNING], limit=1), "the run to start")
    wait_for(lambda: runs.said(db, TEAM, run.id, limit=1), "the run to speak")
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


def test_a_stop_reaches_the_run_without_redis_by_its_next_heartbeat(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:loops")
    installation.everything(Pool.THREADS, 1)
    (case_id,) = add(installation, queue)
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    cases.settle(installation.db, installation.settings, queue.id, [case_id], CaseStatus.COMPLETED)
    wait_for(lambda: installation.running(queue) == 0, "the run to stop")


def test_a_nudge_starts_a_case_long_before_the_beat(installation):
    queue, _ = worked_queue(installation.db)
    installation.ticker(tick_seconds=50)
    installation.worker()
    add(installation, queue)
    installation.wait_until_ended(queue, 1)
    add(installation, queue, 5)
    installation.wait_until_ended(queue, 6)


def test_answers_and_postponements_go_through_real_workers(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:asks")
    installation.everything(concurrency=2)
    (case_id,) = add(installation, queue)
    (question,) = wait_for(lambda: requests.find(installation.db, TEAM), "the question")
    installation.casework.perform(requests.answer(installation.db, TEAM, question.id, "blue"))
    (approval,) = wait_for(lambda: requests.find(installation.db, TEAM), "the approval")
    installation.casework.perform(requests.decide(installation.db, TEAM, approval.id, True))
    installation.wait_until_ended(queue, 1)
    assert cases.get(installation.db, TEAM, case_id)[1][-1].reason == "blue 1"


def test_several_tickers_and_beats_keep_the_limit(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps", concurrency=3)
    for _ in range(2):
        installation.ticker(tick_seconds=0.05)
        installation.beat(tick_seconds=0.05)
    installation.worker(concurrency=8)
    add(installation, queue, 40, data={"seconds": 0.05})
    most = 0
    while installation.counted(queue)[CaseStatus.COMPLETED] < 40:
        with installation.db.begin() as tx:
            most = max(most, tx.sql("select count(*) from runs where holds_slot").scalar_one())
    assert most == 3
    assert installation.runs_per_case(queue) == {(1, 1)}


def test_short_runs_that_wait_behind_a_long_one_are_let_go(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.environment["CASEWORK_BUNDLE_SECONDS"] = "10"
    installation.everything(Pool.THREADS, concurrency=8)
    add(installation, queue, 40, data={"seconds": 0})
    installation.wait_until_ended(queue, 40)
    mixed = [NewCase("case", {"seconds": 0 if number % 4 else 20}) for number in range(16)]
    installation.casework.perform(cases.create(installation.db, queue.id, mixed))
    wait_for(
        lambda: installation.counted(queue)[CaseStatus.COMPLETED] == 52 and installation.running(queue) == 4,
        "the twelve short ones to end beside the four long ones",
    )
    assert any("run.returned" in log.read_text() for log in installation.logs.glob("*.log"))


def test_a_zombie_worker_changes_nothing(installation):
    """Stopped past its lease and continued, it finds its runs given away."""
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    worker = installation.everything(Pool.THREADS, 1)
    (case_id,) = add(installation, queue, data={"seconds": 1})
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    os.kill(worker.pid, signal.SIGSTOP)
    installation.worker(Pool.THREADS, 1)
    installation.wait_until_ended(queue, 1)
    os.kill(worker.pid, signal.SIGCONT)
    wait_for(lambda: "write_refused" in history(installation.db, case_id), "the late write to be refused")
    assert history(installation.db, case_id).count("completed") == 1


def up(installation, *arguments):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return installation.start([sys.executable, "-m", "casework", "up", "--port", port, *arguments])


def test_up_that_is_killed_and_started_again_finishes_everything(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    first = up(installation, "--concurrency", "6")
    add(installation, queue, 20, data={"seconds": 1})
    wait_for(lambda: installation.running(queue) == 6, "six running runs")
    os.kill(first.pid, signal.SIGKILL)
    second = up(installation, "--concurrency", "6")
    installation.wait_until_ended(queue, 20)
    assert installation.runs_per_case(queue) == {(1, 1)}
    os.kill(second.pid, signal.SIGINT)
    assert second.wait(30) == 0


def test_up_stops_cleanly_and_at_once_when_it_is_told_twice(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    process = up(installation)
    add(installation, queue, data={"seconds": 50})
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    ).stdout.split()
    assert len(children) >= 3
    os.kill(process.pid, signal.SIGINT)
    sleep(0.2)
    began = monotonic()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(20) == 0
    assert monotonic() - began < 15
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
