"""What the promises say, with real processes: they are killed, stopped and cut off, and every case comes to its end once."""

import os
import signal
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import DEFAULT_TEAM, NewCase
from casework.service import cases, runs
from factories import history, worked_queue
from patience import PATIENCE, wait_for
from ports import free_port

pytestmark = pytest.mark.process


def spans(installation):
    """What each attempt logged, as {case: [(begin, end or None)]}."""
    found = {}
    for line in Path(installation.environment["SAMPLE_LOG"]).read_text().splitlines():
        word, case, attempt, moment = line.split()
        found.setdefault(case, {}).setdefault(attempt, {})[word] = float(moment)
    return found


@pytest.mark.quick
def test_resumes_a_killed_workers_runs_never_twice_at_once(ticking):
    queue, _ = worked_queue(ticking.db, "sample_agents:logs_its_span")
    worker = ticking.worker(concurrency=4)
    ids = ticking.add(queue, 7, data={"seconds": 1})
    wait_for(lambda: ticking.running(queue) == 4, "four running runs")
    os.kill(worker.pid, signal.SIGKILL)
    ticking.worker(concurrency=4)
    ticking.wait_until_ended(queue, 7)
    assert ticking.runs_per_case(queue) == {(1, 1)}
    lost = [id for id in ids if "attempt_failed" in history(ticking.db, id)]
    assert len(lost) == 4
    for attempts in spans(ticking).values():
        whole = sorted((one["begin"], one["end"]) for one in attempts.values() if "end" in one)
        assert len(whole) == 1
        for one in attempts.values():
            assert one["begin"] <= whole[0][0]


def test_releases_a_long_run_to_another_worker_at_shutdown(ticking):
    queue, _ = worked_queue(ticking.db, "sample_agents:long_at_first")
    worker = ticking.worker(concurrency=1)
    (case_id,) = ticking.add(queue)
    wait_for(lambda: ticking.running(queue) == 1, "the run to start")
    ticking.worker()
    os.kill(worker.pid, signal.SIGTERM)
    ticking.wait_until_ended(queue, 1)
    worker.wait(PATIENCE)
    assert "released" in history(ticking.db, case_id)
    (run,) = runs.find(ticking.db, DEFAULT_TEAM, case_id=case_id, limit=10)
    assert (run.status, run.failures) == (RunStatus.COMPLETED, 0)


@pytest.mark.quick
def test_finishes_short_runs_at_shutdown(ticking):
    queue, _ = worked_queue(ticking.db, "sample_agents:sleeps")
    worker = ticking.worker(concurrency=2)
    (case_id,) = ticking.add(queue, data={"seconds": 0.6})
    wait_for(lambda: ticking.running(queue) == 1, "the run to start")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert history(ticking.db, case_id)[-1] == "completed"


@pytest.mark.quick
def test_starts_a_nudged_case_long_before_the_beat(installation):
    queue, _ = worked_queue(installation.db)
    installation.ticker(tick_seconds=50)
    installation.worker()
    installation.add(queue)
    installation.wait_until_ended(queue, 1)
    installation.add(queue, 5)
    installation.wait_until_ended(queue, 6)


def test_keeps_the_limit_with_several_tickers_and_beats(ticking):
    queue, _ = worked_queue(ticking.db, "sample_agents:sleeps", concurrency=3)
    ticking.ticker(tick_seconds=0.05)
    ticking.beat(tick_seconds=0.05)
    ticking.worker(concurrency=8)
    ticking.add(queue, 40, data={"seconds": 0.05})
    most = 0
    while ticking.counted(queue)[CaseStatus.COMPLETED] < 40:
        with ticking.db.single() as tx:
            held = tx.sql("select count(*) from runs where queue_id = %(id)s and holds_slot", {"id": queue.id})
        most = max(most, held.scalar_one())
    assert most == 3
    assert ticking.runs_per_case(queue) == {(1, 1)}


def test_releases_short_runs_that_wait_behind_a_long_one(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    installation.everything(Pool.THREADS, concurrency=8, bundle_seconds=10)
    installation.add(queue, 40, data={"seconds": 0})
    installation.wait_until_ended(queue, 40)
    mixed = [NewCase("case", {"seconds": 0 if number % 4 else 20}) for number in range(16)]
    installation.casework.perform(cases.create(installation.db, queue.id, mixed))
    wait_for(
        lambda: installation.counted(queue)[CaseStatus.COMPLETED] == 52 and installation.running(queue) == 4,
        "the twelve short ones to end beside the four long ones",
    )
    assert any("run.returned" in log.read_text() for log in installation.logs.glob("*.log"))


def test_refuses_the_late_writes_of_a_zombie_worker(ticking):
    """Stopped past its lease and continued, it finds its runs given away."""
    queue, _ = worked_queue(ticking.db, "sample_agents:sleeps")
    worker = ticking.worker(Pool.THREADS, 1)
    (case_id,) = ticking.add(queue, data={"seconds": 1})
    wait_for(lambda: ticking.running(queue) == 1, "the run to start")
    os.kill(worker.pid, signal.SIGSTOP)
    ticking.worker(Pool.THREADS, 1)
    ticking.wait_until_ended(queue, 1)
    os.kill(worker.pid, signal.SIGCONT)
    wait_for(lambda: "write_refused" in history(ticking.db, case_id), "the late write to be refused")
    assert history(ticking.db, case_id).count("completed") == 1


def up(installation, *arguments):
    return installation.start([sys.executable, "-m", "casework", "up", "--port", str(free_port()), *arguments])


def descendants(pid):
    """The processes that it started, and those that they did, but not servers: they outlive it."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "casework.embedded" not in Path(f"/proc/{child}/cmdline").read_text():
            found += [child, *descendants(child)]
    return found


def test_finishes_everything_after_up_is_killed_and_restarted(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    first = up(installation, "--concurrency", "3")
    installation.add(queue, 10, data={"seconds": 0.5})
    wait_for(lambda: installation.running(queue) == 3, "three running runs")
    os.kill(first.pid, signal.SIGKILL)
    second = up(installation, "--concurrency", "3")
    installation.wait_until_ended(queue, 10)
    assert installation.runs_per_case(queue) == {(1, 1)}
    os.kill(second.pid, signal.SIGINT)
    assert second.wait(PATIENCE) == 0


def test_stops_up_cleanly_and_at_once_at_the_second_signal(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    process = up(installation)
    installation.add(queue, data={"seconds": 50})
    wait_for(lambda: installation.running(queue) == 1, "the run to start")
    children = descendants(process.pid)
    assert len(children) >= 5
    os.kill(process.pid, signal.SIGINT)
    sleep(0.2)
    began = monotonic()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert monotonic() - began < 45
    # The kernel kills a pool's processes once their worker is gone.
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the end of all")
