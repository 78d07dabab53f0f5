"""Commands as agents in real workers: nothing is left of them, however their worker ends."""

import os
import signal

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import AgentKind
from casework.service import agents, cases, requests, runs
from commanding import is_alive
from factories import TEAM, a_consumer, a_queue, history
from patience import wait_for

pytestmark = pytest.mark.process

ASKS = """
grep -q '"answers": {"Name?"' || { echo '{"ask": "Name?"}'; exit; }
echo '{"outcome": "complete", "reason": "asked"}'
"""

SLEEPS = """
echo '{"step": "begun"}'
[ $CASEWORK_ATTEMPT = 1 ] || exec echo "in attempt $CASEWORK_ATTEMPT"
sleep 1000 &
echo $$ $! $PWD
sleep 1000
"""


def a_queue_for(installation, folder, text, **options):
    (folder / "agent.sh").write_text(text)
    db, queue = installation.db, a_queue(installation.db, "commands")
    target = f"sh {folder}/agent.sh"
    agent = agents.create(db, installation.settings, TEAM, "command", kind=AgentKind.COMMAND, target=target, **options)
    a_consumer(db, queue, agent)
    return queue


def said(installation, case_id):
    """What its run has said last."""
    found = runs.find(installation.db, TEAM, case_id=case_id, limit=1)
    told = runs.list_messages(installation.db, TEAM, found[0].id, limit=9) if found else []
    return told[-1].content["text"] if told else None


def left_of(sleeping):
    """What there is of a command that has said its process, its child's and its folder."""
    own, child, folder = sleeping.split()
    return [*filter(is_alive, (own, child)), *filter(os.path.exists, [folder])]


@pytest.mark.parametrize("pool", list(Pool))
def test_asks_is_answered_and_completes(working, tmp_path, pool):
    installation = working(pool)
    queue = a_queue_for(installation, tmp_path, ASKS)
    (case_id,) = installation.add(queue)
    (question,) = wait_for(lambda: requests.find(installation.db, TEAM), "the question")
    installation.casework.perform(requests.answer(installation.db, TEAM, question.id, "blue"))
    installation.wait_until_ended(queue, 1)
    assert cases.get(installation.db, TEAM, case_id)[1][-1].reason == "asked"


@pytest.mark.parametrize("pool", list(Pool))
def test_a_stop_by_a_person_ends_it_with_its_children(working, tmp_path, pool):
    installation = working(pool)
    queue = a_queue_for(installation, tmp_path, SLEEPS)
    (case_id,) = installation.add(queue)
    sleeping = wait_for(lambda: said(installation, case_id), "the command to begin")
    assert len(left_of(sleeping)) == 3
    installation.casework.perform(
        cases.settle(installation.db, installation.settings, queue.id, [case_id], CaseStatus.COMPLETED)
    )
    stopped = [RunStatus.INTERRUPTED]
    wait_for(lambda: runs.find(installation.db, TEAM, case_id=case_id, statuses=stopped, limit=1), "the run to stop")
    wait_for(lambda: not left_of(sleeping), "the command to end")
    assert "interrupted" in history(installation.db, case_id)


@pytest.mark.parametrize("pool", list(Pool))
def test_a_time_limit_ends_it_and_its_slot_serves_again(working, tmp_path, pool):
    installation = working(pool)
    queue = a_queue_for(installation, tmp_path, SLEEPS, timeout_seconds=1)
    (case_id,) = installation.add(queue)
    sleeping = wait_for(lambda: said(installation, case_id), "the command to begin")
    installation.wait_until_ended(queue, 1)
    wait_for(lambda: not left_of(sleeping), "the command to end")
    reasons = [event.reason for event in cases.get(installation.db, TEAM, case_id)[1] if event.type == "stopped"]
    assert reasons == ["ran longer than its limit of 1 s"]


@pytest.mark.parametrize("pool", list(Pool))
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_nothing_is_left_when_its_worker_ends_and_another_goes_on(ticking, tmp_path, pool, how):
    worker = ticking.worker(pool, 1)
    queue = a_queue_for(ticking, tmp_path, SLEEPS)
    (case_id,) = ticking.add(queue)
    sleeping = wait_for(lambda: said(ticking, case_id), "the command to begin")
    worker.send_signal(how)
    worker.wait(60)
    wait_for(lambda: not left_of(sleeping), "the command to end")
    ticking.worker(pool, 1)
    ticking.wait_until_ended(queue, 1)
    assert said(ticking, case_id) == "in attempt 2"
    assert ("released" if how is signal.SIGTERM else "attempt_failed") in history(ticking.db, case_id)
