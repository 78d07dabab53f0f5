"""With which plans a claim finds its cases in a large backlog."""

import pytest

from casework.core.plan import Lane, Pick
from casework.store import candidates, transitions
from casework.store.candidates import Probe
from casework.store.database import Database
from explained import Explained, blocks, scans_of
from factories import locked, worked_queue


@pytest.fixture(scope="module")
def migrated(new_database):
    db = Database(new_database("backlog"))
    yield db
    db.close()


@pytest.fixture(scope="module")
def backlog(migrated):
    """30,000 pending cases, 30,000 postponed into the future, 30,000 delegated elsewhere."""
    queue, agent = worked_queue(migrated)
    with migrated.begin() as tx:
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, ready_at, postponed_to, assigned_agent_id, created_at, updated_at) "
            "select gen_random_uuid(), %(q)s, 'case', '{}', case when n %% 3 = 1 then 'postponed' else 'pending' end, "
            "timestamptz '2026-02-01' + make_interval(secs => n) + case when n %% 3 = 1 then interval '9 years' else '0' end, "
            "case when n %% 3 = 1 then timestamptz '2035-01-01' end, case when n %% 3 = 2 then gen_random_uuid() end, now(), now() "
            "from generate_series(1, 90000) n",
            {"q": queue.id},
        )
        tx.sql("analyze cases")
    return queue, agent


def explained(tx, act, only=""):
    """The nodes of the plans of what something sends."""
    seen = Explained(tx, only)
    act(seen)
    return seen.nodes


def test_reads_candidates_by_one_index_probe_a_lane(backlog, db, clock):
    queue, agent = backlog
    probes = [Probe(queue.id, owner, lane) for owner in (None, agent.id) for lane in Lane]
    with db.begin() as tx:
        nodes = explained(tx, lambda tx: candidates.first(tx, probes, clock.now, 100))
    (scan,) = scans_of(nodes, "cases")
    assert scan["Index Name"] == "cases_claim"
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert "ready_at" in scan["Index Cond"]
    assert scan.get("Rows Removed by Filter", 0) == 0
    assert scan["Actual Rows"] * scan["Actual Loops"] <= 101
    assert blocks(scan) < 200


def test_reads_a_few_pages_to_find_ready_consumers(backlog, db):
    with db.begin() as tx:
        nodes = explained(tx, locked, only="skip locked for share")
    scans = [node for node in nodes if node.get("Relation Name") == "cases"]
    assert {node["Index Name"] for node in scans} == {"cases_claim"}
    assert all(node.get("Rows Removed by Filter", 0) == 0 for node in scans)
    assert blocks(nodes[0]) < 200


def test_claims_planned_cases_by_their_ids(backlog, db, clock):
    queue, agent = backlog
    with db.begin() as tx:
        found = candidates.first(tx, [Probe(queue.id, None, Lane.NONE)], clock.now, 100)
        picks = [Pick(one, agent.id) for one in found]
        nodes = explained(tx, lambda tx: transitions.claim(tx, picks, clock.now))
    scans = scans_of(nodes, "cases")
    assert scans
    assert {node.get("Index Name") for node in scans} == {"cases_pkey"}


def test_probes_the_lanes_of_a_single_consumer(backlog, db, clock):
    """And reaches its cases by their ids."""
    with db.begin() as tx:
        (held,) = locked(tx)
        assert held.opening.slots == 100
        nodes = explained(tx, lambda tx: transitions.claim_first(tx, held, clock.now, {}))
    scans = scans_of(nodes, "cases")
    assert {node["Index Name"] for node in scans} == {"cases_claim", "cases_pkey"}
    (probe,) = [node for node in scans if node["Index Name"] == "cases_claim"]
    assert "ready_at" in probe["Index Cond"]
    assert all(node.get("Rows Removed by Filter", 0) == 0 for node in scans)
    assert all(node["Actual Rows"] * node["Actual Loops"] <= 101 for node in scans)
