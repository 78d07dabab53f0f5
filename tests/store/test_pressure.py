"""What lies in a queue and cannot be claimed costs a claim nothing."""

from datetime import timedelta

import pytest

from casework.core.model import AgentKind, QueueMode
from casework.service import dispatch, queues
from casework.service import trail as trails
from casework.store import claims, server, transitions
from explained import Explained
from factories import SETTINGS, TEAM, a_consumer, an_agent, claim, some_cases, start, worked_queue
from rolled_back import undone

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
        held = claims.lock_consumers(explained, AgentKind.PYTHON, SETTINGS.outstanding_runs)
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


def claim_first(db, trail):
    """What the round of a single consumer reads before it claims, and how it looks for its cases; nothing is claimed."""
    with undone(db) as tx:
        tx.sql(server.setting(server.CACHED_PLANS))
        before, explained = Explained(tx), Explained(tx)
        locked = claims.lock_consumers(before, AgentKind.PYTHON, SETTINGS.outstanding_runs, known=trail.consumers)
        (held,) = [one for one in locked if one.opening.slots]
        batch = transitions.claim_first(explained, dispatch._within_a_batch(held), tx.now, trail.positions)
        assert batch.picked == 100
    (front,) = [scan for scan in explained.scans("cases") if scan["Index Name"] == "cases_claim"]
    return before.blocks + front["Shared Hit Blocks"] + front["Shared Read Blocks"], explained


@pytest.mark.parametrize("who", [at_its_limit, not_connected, not_asking])
def test_a_hundred_thousand_delegated_to_an_agent_that_is_off_and_as_many_postponed(db, clock, who):
    queue, agent = worked_queue(db, concurrency=100)
    off = who(db, queue)
    some_cases(db, queue, 500)
    # The planner then has seen the table of this test, and not only what others left in its indexes.
    pile_up(db, queue, off, 2)
    before, found = look(db, clock.now)
    assert len(found) == 100
    first, _ = claim_first(db, trails.Trail())
    pile_up(db, queue, off, 200_000)
    still, explained = claim_first(db, trails.Trail())
    assert still <= 2 * first, (first, still)
    assert {scan["Index Name"] for scan in explained.scans("cases")} == {"cases_claim", "cases_pkey"}
    assert sum(scan.get("Rows Removed by Filter", 0) for scan in explained.scans("cases")) == 0
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


def complete_all(db, queue):
    """Ended without a trace but in the index, where what is dead stays while an older snapshot is open."""
    with db.begin() as tx:
        tx.sql(
            "update cases set status = 'completed', run_id = null, run_agent_id = null, completed_at = now() "
            "where queue_id = %(id)s and status = 'claimed'",
            {"id": queue.id},
        )
        tx.sql(
            "update runs set status = 'completed', completed_at = now() where queue_id = %(id)s and holds_slot",
            {"id": queue.id},
        )


def test_what_was_claimed_under_an_open_snapshot_is_not_passed_again(committed, monkeypatch):
    monkeypatch.setattr(claims, "_COUNT_ANEW", timedelta(0))
    monkeypatch.setattr(trails, "LATE", timedelta(0))
    queue, _ = worked_queue(committed)
    with committed.begin() as tx:
        for table in ("cases", "runs"):
            tx.sql(f"alter table {table} set (autovacuum_enabled = off)")
        # In an order of its own, so that each index entry leads to another block.
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at) "
            "select gen_random_uuid(), %(id)s, 'case', '{}', 'pending', now() - make_interval(secs => 1 + n %% 977), now(), now() "
            "from generate_series(1, 4000) n",
            {"id": queue.id},
        )
    trail = trails.Trail()
    with committed.begin() as reader:
        reader.sql("set transaction isolation level repeatable read")
        reader.sql("select count(*) from queues")
        first, _ = claim_first(committed, trails.Trail())
        for _ in range(30):
            assert len(dispatch.claim_round(committed, SETTINGS, trail)) == 100
            complete_all(committed, queue)
        with committed.begin() as tx:
            # The planner then knows that hardly any run holds a slot, and not that the index of slots is full of dead ones.
            tx.sql("analyze runs")
        behind, _ = claim_first(committed, trail)
        from_the_front, _ = claim_first(committed, trails.Trail())
    assert from_the_front > 10 * first
    assert behind < 2 * first
