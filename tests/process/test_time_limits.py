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
