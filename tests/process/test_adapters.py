"""Agents of frameworks in real workers, which are killed with SIGKILL at whatever they do, and ended with SIGTERM."""

from collections import Counter

import pytest

from casework.cli.roles import Pool
from casework.core.lifecycle import CaseStatus
from casework.service import agents, requests, runs
from casework.settings import Settings
from factories import TEAM, a_consumer, a_queue, the_case
from integrations.conformance import FRAMEWORKS, case_of, look, pay, read, says
from integrations.conformance import wait_for as wait_for_line
from patience import wait_for

# Each worker imports a framework and its libraries, which takes seconds where others work too.
pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

MODULES = "integrations.*"
SETTINGS = {"agent_modules": MODULES, "retry_base_seconds": 0.001}
"""Each wait for the next attempt is four times the one before: after several kills, a minute."""
A_MOMENT = 0.3
"""Seconds that the model takes, so that a kill finds it at work."""


@pytest.fixture(params=FRAMEWORKS, ids=lambda one: one.name)
def framework(request):
    if request.param.version is None:
        pytest.skip(f"{request.param.package} is not installed")
    return request.param


SCRIPT = (
    says("first", look("a", "1"), seconds=A_MOMENT),
    says("", pay("Ann", 5, "2"), pay("Bob", 7, "3"), seconds=A_MOMENT),
    says("", look("b", "4"), seconds=A_MOMENT),
    says("last", seconds=A_MOMENT),
)
EACH = Counter(
    ["look a", "look b", "pay Ann 5", "pay Bob 7", *(f"model {n} answered" for n in range(1, 5))],
)


@pytest.fixture
def worked(installation, framework, tmp_path):
    """A case with the script in a queue of the framework's agent; nobody works on it yet."""
    installation.ticker(**SETTINGS)
    installation.beat(**SETTINGS)
    queue, ledger = a_queue(installation.db), tmp_path / "ledger"
    allowed = Settings(agent_modules=MODULES)
    agent = agents.create(installation.db, allowed, TEAM, "worker", target=framework.target(), max_attempts=50)
    a_consumer(installation.db, queue, agent)
    (case_id,) = installation.add(queue, data=case_of(SCRIPT, ledger))
    return case_id, ledger


def a_worker(installation):
    return installation.worker(Pool.THREADS, 2, **SETTINGS)


def answer_all(installation):
    wait_for(lambda: len(requests.find(installation.db, TEAM)) == 2, "both approvals")
    for request in requests.find(installation.db, TEAM):
        installation.casework.perform(requests.decide(installation.db, TEAM, request.id, True))


def ended(installation, case_id):
    wait_for(
        lambda: the_case(installation.db, case_id).status in (CaseStatus.COMPLETED, CaseStatus.FAILED),
        "the case to end",
    )
    (run,) = runs.find(installation.db, TEAM, limit=10)
    messages = runs.list_messages(installation.db, TEAM, run.id, limit=100)
    assert (run.outcome, run.usage.requests) == ("completed", 4)
    assert [one.content["text"] for one in messages if one.type == "text"] == ["first", "last"]
    assert Counter(one.type for one in messages if one.type.startswith("tool")) == {"tool_call": 4, "tool_result": 4}
    return run


def test_killed_with_sigkill_at_most_what_was_under_way_is_repeated(installation, worked):
    case_id, ledger = worked
    kills = 0
    for line in ("model 1", "look a", "model 2", "asked", "pay Ann 5", "model 3 answered", "model 4"):
        process = a_worker(installation)
        if line == "asked":
            answer_all(installation)
        else:
            wait_for_line(ledger, line)
        process.kill()
        process.wait()
        kills += 1
    a_worker(installation)
    run = ended(installation, case_id)
    repeated = Counter(line for line in read(ledger) if line in EACH) - EACH
    assert run.attempt > 2
    assert repeated.total() <= kills
    assert max(repeated.values(), default=0) <= 1


def test_a_worker_that_is_ended_amid_a_turn_costs_no_attempt(installation, worked):
    case_id, ledger = worked
    first = a_worker(installation)
    wait_for_line(ledger, "model 1")
    first.terminate()
    first.wait()
    second = a_worker(installation)
    wait_for_line(ledger, "model 2")
    second.terminate()
    second.wait()
    a_worker(installation)
    answer_all(installation)
    run = ended(installation, case_id)
    assert run.failures == 0
    assert Counter(line for line in read(ledger) if line in EACH) - EACH == Counter()
