"""Agents that do not look up: their cases fail in time, and their slots come back."""

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.errors import Unavailable
from casework.service import cases
from casework.service.diagnosis import health
from factories import TEAM, a_consumer, a_queue, an_agent, some_cases
from patience import wait_for

pytestmark = pytest.mark.process


def last_event(installation, case_id):
    return cases.get(installation.db, TEAM, case_id)[1][-1]


@pytest.fixture
def sleepers(installation):
    """Two cases whose agent sleeps for a minute, and may take two seconds."""
    queue = a_queue(installation.db, "sleepers")
    agent = an_agent(installation.db, "sleeper", target="sample_agents:long_at_first", timeout_seconds=2)
    a_consumer(installation.db, queue, agent)
    return queue


def test_run_over_its_limit_fails_and_its_process_is_replaced(installation, sleepers):
    installation.everything(Pool.PREFORK, 2, interrupt_grace_seconds=1.0)
    ids = some_cases(installation.db, sleepers, 2)
    installation.wait_until_ended(sleepers, 2)
    assert {last_event(installation, id).type for id in ids} <= {"stopped", "interrupted"}
    events = [event for id in ids for event in cases.get(installation.db, TEAM, id)[1] if event.type == "stopped"]
    assert {event.reason for event in events} == {"ran longer than its limit of 2 s"}
    # Both slots were held; what comes now is worked on by the processes that replace them.
    quick = a_queue(installation.db, "quick")
    a_consumer(installation.db, quick, an_agent(installation.db, "quick"))
    some_cases(installation.db, quick, 4)
    installation.wait_until_ended(quick, 4)
    assert "worker.process_killed" in "".join(log.read_text() for log in installation.logs.glob("*.log"))


def test_slot_of_a_thread_that_cannot_be_ended_is_told_and_the_worker_ends(installation, sleepers):
    worker = installation.everything(Pool.THREADS, 2, interrupt_grace_seconds=1.0)
    some_cases(installation.db, sleepers, 2)
    installation.wait_until_ended(sleepers, 2)

    def is_told():
        try:
            return not health.slots(installation.db, installation.settings)
        except Unavailable as lost:
            return "hold slots" in str(lost)

    wait_for(is_told, "doctor to tell of the lost slots")
    worker.wait(60)
    assert installation.counted(sleepers)[CaseStatus.FAILED] == 2


@pytest.fixture
def blockers(installation):
    """A case whose agent blocks the event loop, and may take two seconds."""
    queue = a_queue(installation.db, "blockers")
    agent = an_agent(installation.db, "blocker", target="sample_agents:blocks_the_loop", timeout_seconds=2)
    a_consumer(installation.db, queue, agent)
    return queue


def test_process_whose_event_loop_is_blocked_is_replaced(installation, blockers):
    installation.everything(Pool.PREFORK, 1, interrupt_grace_seconds=1.0)
    some_cases(installation.db, blockers, 1)
    installation.wait_until_ended(blockers, 1)
    quick = a_queue(installation.db, "quick")
    a_consumer(installation.db, quick, an_agent(installation.db, "quick", target="sample_agents:completes_async"))
    some_cases(installation.db, quick, 2)
    installation.wait_until_ended(quick, 2)
    assert installation.counted(quick)[CaseStatus.COMPLETED] == 2


def test_blocked_event_loop_of_threads_harms_only_who_blocks_it(installation, blockers):
    worker = installation.everything(Pool.THREADS, 4, interrupt_grace_seconds=1.0)
    others = a_queue(installation.db, "others")
    waiter = an_agent(installation.db, "waiter", target="sample_agents:waits_at_first", max_attempts=1)
    a_consumer(installation.db, others, waiter)
    ids = some_cases(installation.db, others, 2)
    wait_for(lambda: installation.counted(others)[CaseStatus.CLAIMED] == 2, "the others to run")
    for id in ids:
        wait_for(lambda id=id: said(installation, id), "the others to wait on the loop")
    some_cases(installation.db, blockers, 1)
    installation.wait_until_ended(blockers, 1)
    installation.wait_until_ended(others, 2)
    assert [last_event(installation, id).reason for id in ids] == ["in attempt 2"] * 2
    assert installation.counted(blockers)[CaseStatus.FAILED] == 1
    # The thread that waits for the blocked loop cannot be ended, so the worker is, once it is idle.
    worker.wait(60)
    assert "worker.slot_lost" in "".join(log.read_text() for log in installation.logs.glob("*.log"))


def said(installation, case_id):
    with installation.db.begin() as tx:
        asked = "select exists (select from run_messages m join runs r on r.id = m.run_id where r.case_id = %(id)s)"
        return tx.sql(asked, {"id": case_id}).scalar_one()
