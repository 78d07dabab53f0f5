"""What lies in a queue and cannot be claimed costs a claim nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from casework.core.model import QueueMode
from casework.service import agents, dispatch, queues, scan_positions
from casework.service.ticker import Ticker
from casework.store import candidates, consumers, transitions
from casework.store.database import Database
from explained import Explained, plan_as_a_worker, worker_options
from factories import TEAM, a_consumer, a_queue, an_agent, claim, locked, some_cases, start, the_case, worked_queue
from rolled_back import rolled_back, undone

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
        held = locked(explained)
        probes = [probe for one in held if one.opening.slots for probe in one.probes()]
        return explained, candidates.first(explained, probes, now, 100)[:100]


def at_its_limit(db, queue, agent):
    """Its only slot is in use, for ever."""
    a_consumer(db, queue, agent, trigger=False, concurrency=1)
    start(db, claim(db)[0])


def not_connected(db, queue, agent):
    """It is no consumer of the queue."""


def not_asking(db, queue, agent):
    """It is elsewhere, and never asks."""
    with db.begin() as tx:
        tx.sql("update agents set kind = 'pull', target = null where id = %(id)s", {"id": agent.id})
    a_consumer(db, queue, agent, trigger=False)


def claim_first(db, options, ticker):
    """What the round of a single consumer reads before it claims, and how it looks for its cases; nothing is claimed."""
    with undone(db) as tx:
        plan_as_a_worker(tx, options)
        before, explained = Explained(tx), Explained(tx)
        (held,) = [one for one in locked(before, known=list(ticker.backlog)) if one.opening.slots]
        held = replace(held, opening=replace(held.opening, slots=100))
        batch = transitions.claim_first(explained, held, tx.now, ticker.positions.positions)
        assert batch.picked == 100
    (front,) = [scan for scan in explained.scans("cases") if scan["Index Name"] == "cases_claim"]
    return before.blocks + front["Shared Hit Blocks"] + front["Shared Read Blocks"], explained


@pytest.fixture(scope="module")
def options(servers):
    return worker_options(servers.database)


@pytest.fixture(scope="module")
def piled_up(new_database):
    """200,000 cases that nobody can claim."""
    db = Database(new_database("piled_up"))
    pile_up(db, *a_pile(db), 200_000)
    yield db
    db.close()


def a_pile(db):
    return a_queue(db), an_agent(db, "off")


def beside_the_pile(db, clock, options, who):
    """What it takes to look for the cases of an agent that works, and what is found, by title."""
    (queue,), (off,) = queues.find(db, TEAM), agents.find(db, TEAM)
    a_consumer(db, queue, an_agent(db), concurrency=100)
    who(db, queue, off)
    some_cases(db, queue, 500)
    explained, found = look(db, clock.now)
    return *claim_first(db, options, Ticker()), explained, [the_case(db, one.case_id).title for one in found]


@pytest.mark.parametrize("who", [at_its_limit, not_connected, not_asking])
def test_claims_as_fast_beside_200_000_cases_that_cannot_be_claimed(db, piled_up, clock, options, who):
    # The planner then has seen the table of this test, and not only what others left in its indexes.
    pile_up(db, *a_pile(db), 2)
    first, _, before, found = beside_the_pile(db, clock, options, who)
    assert len(found) == 100
    with rolled_back(piled_up, clock) as large:
        still, explained, after, again = beside_the_pile(large, clock, options, who)
    assert still <= 2 * first, (first, still)
    assert {scan["Index Name"] for scan in explained.scans("cases")} == {"cases_claim", "cases_pkey"}
    assert sum(scan.get("Rows Removed by Filter", 0) for scan in explained.scans("cases")) == 0
    assert again == found
    assert after.blocks <= 2 * before.blocks, (before.blocks, after.blocks)
    assert {scan["Index Name"] for scan in after.scans("cases")} == {"cases_claim"}
    assert sum(scan.get("Rows Removed by Filter", 0) for scan in after.scans("cases")) == 0


def test_looks_into_no_paused_queue(db, clock):
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


def test_passes_nothing_again_that_was_claimed_under_a_snapshot(committed, options, monkeypatch):
    monkeypatch.setattr(consumers, "RECOUNT_AFTER", timedelta(0))
    monkeypatch.setattr(scan_positions, "LATE", timedelta(0))
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
    ticker = Ticker()
    with committed.begin() as reader:
        reader.sql("set transaction isolation level repeatable read")
        reader.sql("select count(*) from queues")
        first, _ = claim_first(committed, options, Ticker())
        for _ in range(30):
            assert len(dispatch.claim_round(committed, ticker, most=100).claimed) == 100
            complete_all(committed, queue)
        with committed.begin() as tx:
            # The planner then knows that hardly any run holds a slot, and not that the index of slots is full of dead ones.
            tx.sql("analyze runs")
        behind, _ = claim_first(committed, options, ticker)
        from_the_front, _ = claim_first(committed, options, Ticker())
    assert from_the_front > 10 * first
    assert behind < 2 * first
