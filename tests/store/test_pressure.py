"""What lies in a queue and cannot be claimed costs a claim nothing."""

import pytest

from casework.core.model import AgentKind, QueueMode
from casework.service import queues
from casework.store import claims
from explained import Explained
from factories import SETTINGS, TEAM, a_consumer, an_agent, claim, some_cases, start, worked_queue

# Delegated to one agent, and in turn postponed into the future; all of them older than what is claimed.
_PILE = """
insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, assigned_agent_id, created_at, updated_at)
select gen_random_uuid(), %(queue_id)s, 'case', '{}', case when n %% 2 = 0 then 'postponed' else 'pending' end, n %% 3,
  case when n %% 2 = 0 then timestamptz '2035-01-01' else timestamptz '2026-02-01' end + make_interval(secs => n),
  case when n %% 2 = 0 then timestamptz '2035-01-01' end, case when n %% 2 = 1 then %(agent_id)s::uuid end, now(), now()
from generate_series(1, %(count)s) n
"""


def pile_up(db, queue, agent, count):
    with db.begin() as tx:
        tx.sql(_PILE, {"queue_id": queue.id, "agent_id": agent.id, "count": count})
        tx.sql("analyze cases")


def look(db, now):
    """What a tick reads until it knows what to claim, and what it finds."""
    with db.begin() as tx:
        explained = Explained(tx)
        ready = claims.ready_consumers(explained, now, AgentKind.PYTHON)
        held = claims.lock_consumers(explained, ready, SETTINGS.outstanding_runs)
        probes = [probe for one in held if one.opening.slots for probe in one.probes()]
        return explained, claims.candidates(explained, probes, now, 100)


def at_its_limit(db, queue):
    """An agent whose only slot is in use, for ever."""
    agent = an_agent(db, "full")
    a_consumer(db, queue, agent, trigger=False, concurrency=1)
    (case_id,) = some_cases(db, queue)
    queues.cases.delegate(db, SETTINGS, queue.id, [case_id], agent.id)
    start(db, claim(db)[0])
    return agent


def not_connected(db, queue):
    """An agent that is no consumer of the queue."""
    return an_agent(db, "off")


def not_asking(db, queue):
    """An agent elsewhere that never asks."""
    agent = queues.agents.create(db, SETTINGS, TEAM, "remote", kind=AgentKind.PULL)
    a_consumer(db, queue, agent, trigger=False)
    return agent


@pytest.mark.parametrize("who", [at_its_limit, not_connected, not_asking])
def test_a_hundred_thousand_delegated_to_an_agent_that_is_off_and_as_many_postponed(db, clock, who):
    queue, agent = worked_queue(db, concurrency=100)
    off = who(db, queue)
    some_cases(db, queue, 500)
    before, found = look(db, clock.now)
    assert len(found) == 100
    pile_up(db, queue, off, 200_000)
    after, again = look(db, clock.now)
    assert again == found
    assert after.blocks <= 2 * before.blocks, (before.blocks, after.blocks)
    assert {scan["Index Name"] for scan in after.scans("cases")} == {"cases_claim"}
    assert sum(scan.get("Rows Removed by Filter", 0) for scan in after.scans("cases")) == 0


def test_a_paused_queue_is_not_looked_into(db, clock):
    queue, agent = worked_queue(db)
    some_cases(db, queue, 100)
    queues.set_mode(db, TEAM, queue.id, QueueMode.PAUSED)
    explained, found = look(db, clock.now)
    assert found == []
    assert sum(scan["Actual Rows"] for scan in explained.scans("cases")) == 0
