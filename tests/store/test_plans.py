"""A worker keeps its plans. One that was made while the tables were small must still be right when they are large."""

import re
from datetime import timedelta

import pytest

from bench.statements import counted
from casework.agents import Complete, Fail, Postpone
from casework.agents.call import Crashed, Lost, Returned, Stopped
from casework.service import completions, dispatch, execute
from casework.service.bundles import Execution
from casework.service.completions import Done
from casework.service.paces import Paces
from casework.service.trail import Trail
from casework.store import connection, runs
from casework.store.database import Database
from casework.store.transitions import by_run, by_tick
from explained import cached_plan, kept_plan
from factories import SETTINGS, Watching, a_consumer, an_agent, claim, some_cases, worked_queue

KEPT = {
    "claim": by_tick._CLAIM_SQL,
    "start": by_run._START,
    "start_all": by_run._START_ALL,
    "complete": by_run._COMPLETE,
    "complete_all": by_run._COMPLETE_ALL,
}


RESULTS = (
    Crashed("wants another try", None, True),
    Crashed("is broken", None, False),
    Returned(Complete("done")),
    Returned(Fail("cannot")),
    Returned(Postpone(timedelta(seconds=1))),
    Stopped(),
    Lost(),
)
LARGE = ("cases", "runs", "case_events", "human_requests", "run_messages")
A_KEY = re.compile(r"\((id|case_id|run_id|queue_id) = ")


def nothing(tx, queue):
    pass


def analyzed(tx, queue):
    """As autovacuum does it, while the tables are tiny: to read all of them is then cheaper than a few by their keys."""
    for table in LARGE:
        tx.sql(f"analyze {table}")


def many_that_are_over(tx, queue):
    tx.sql(
        "insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at, completed_at)"
        " select gen_random_uuid(), %(queue)s, 'case', '{}', 'completed', now(), now(), now(), now() from generate_series(1, 5000)",
        {"queue": queue.id},
    )
    tx.sql("analyze cases")


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
@pytest.mark.parametrize("count", [0, 60])
@pytest.mark.parametrize("name", KEPT)
def test_claims_starts_and_outcomes_find_their_rows_by_keys(db, name, count, besides):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    with db.begin() as tx:
        besides(tx, queue)
        nodes = cached_plan(tx, KEPT[name])
    scans = [node for node in nodes if node.get("Relation Name") in ("cases", "runs") and "Scan" in node["Node Type"]]
    assert {node["Index Name"] for node in scans} <= {"cases_pkey", "runs_pkey", "runs_one_live", "runs_case"}
    assert len(scans) >= 2
    assert all("id = " in node["Index Cond"] for node in scans)


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
@pytest.mark.parametrize("count", [0, 60])
def test_the_claim_of_a_single_consumer_looks_at_the_front_of_its_lanes(db, count, besides):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    with db.begin() as tx:
        besides(tx, queue)
        nodes = cached_plan(tx, by_tick._CLAIM_FIRST_SQL.format(limit=100))
    scans = [node for node in nodes if node.get("Relation Name") in ("cases", "runs") and "Scan" in node["Node Type"]]
    (front,) = [node for node in scans if node["Index Name"] == "cases_claim"]
    assert all(f"{column} = " in front["Index Cond"] for column in ("queue_id", "claim_for", "lane"))
    assert "ROW(ready_at, id) >= " in front["Index Cond"]
    others = [node for node in scans if node is not front]
    assert {node["Index Name"] for node in others} <= {"cases_pkey", "runs_pkey", "runs_one_live", "runs_case"}
    assert all("id = " in node["Index Cond"] for node in others)
    assert not [node for node in nodes if node["Node Type"] == "Sort" and node.get("Plans", [{}])[0] is front]


def repeated(db, queue):
    """The statements of tickers and workers about large tables."""
    with counted() as seen:
        some_cases(db, queue, 22)
        ticks = dispatch.tick(db, SETTINGS, ticker="t", paces=Paces(), trail=Trail())
        sent = [message for done in ticks for message in done.effects.runs]
        started = execute.start(db, SETTINGS, sent.pop(0), "w")
        completions.complete_and_start(db, SETTINGS, Done(started, None, 0.0, 0.0), sent.pop(0), "w")
        Execution(db, SETTINGS, worker="w", watch=Watching(), perform=lambda effects: None).of(tuple(sent[:13]))
        for message, result in zip(sent[13:], RESULTS, strict=True):
            started = execute.start(db, SETTINGS, message, "w")
            with db.begin() as tx:
                runs.heartbeat(tx, [message])
            execute.settle(db, SETTINGS, started, result)
        a_consumer(db, queue, an_agent(db, "second"))
        some_cases(db, queue, 2)
        assert len(list(dispatch.tick(db, SETTINGS, ticker="t", paces=Paces(), trail=Trail()))) == 2
    large = re.compile(rf"\b({'|'.join(LARGE)})\b")
    return list(dict.fromkeys(statement for statement in seen if large.search(statement)))


def by_keys(node):
    return bool(A_KEY.search(node.get("Index Cond", ""))) or node.get("Index Name") == "runs_slots"


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
def test_whatever_tickers_and_workers_repeat_goes_by_keys_or_reads_live_runs(db, besides):
    queue, _ = worked_queue(db)
    statements = repeated(db, queue)
    assert len(statements) > 15
    with db.begin() as tx:
        besides(tx, queue)
        plans = {statement: cached_plan(tx, statement) for statement in statements}
    for statement, nodes in plans.items():
        for node in nodes:
            if node.get("Relation Name") in LARGE and "Scan" in node["Node Type"]:
                assert by_keys(node), (statement, node)


@pytest.fixture
def ticker(committed):
    """A connection as tickers and workers have them."""
    db = Database(committed.url, pool_size=2, caches_plans=True)
    yield db
    db.close()


def claim_and_end(ticker, committed, trail):
    assert len(dispatch.claim_round(ticker, SETTINGS, trail)) > 0
    with committed.begin() as tx:
        tx.sql("update runs set status = 'completed', completed_at = now() where holds_slot")


def test_a_ticker_keeps_its_plans_whatever_the_tables_hold(committed, ticker, monkeypatch):
    """Where most lanes are empty, a plan for the given lanes looks cheaper each time than the one that is kept."""
    monkeypatch.setattr(connection, "PLANS_KEPT_SECONDS", 3600)
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 1000)
    with ticker.begin() as tx:
        many_that_are_over(tx, queue)
    trail = Trail()
    for _ in range(8):
        claim_and_end(ticker, committed, trail)
    with ticker.begin() as tx:
        plans = tx.sql("select statement, generic_plans, custom_plans from pg_prepared_statements").all()
    assert {row.custom_plans for row in plans} == {0}
    assert [row.generic_plans for row in plans if "with pick as" in row.statement] == [8]


def reads_in_whole(ticker, statement):
    """The tables that the kept plan of a statement reads in whole."""
    with ticker.begin() as tx:
        ((name, count),) = tx.sql(
            "select name, cardinality(parameter_types) from pg_prepared_statements where position(%(part)s in statement) > 0",
            {"part": statement},
        )
        nodes = kept_plan(tx, name, count)
    scans = [node for node in nodes if "Scan" in node["Node Type"] and "Relation Name" in node]
    return {node["Relation Name"] for node in scans if "Index Cond" not in node}


def test_a_claim_does_not_read_all_runs_while_they_are_few(committed, ticker):
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 300)
    with committed.begin() as tx:
        tx.sql("analyze runs")
    claim_and_end(ticker, committed, Trail())
    assert reads_in_whole(ticker, "with pick as") == set()


def test_a_plan_that_was_made_while_a_table_was_tiny_is_not_kept_for_long(committed, ticker, monkeypatch):
    queue, agent = worked_queue(committed)
    some_cases(committed, queue, 3)
    first, second, third = claim(committed)
    with committed.begin() as tx:
        analyzed(tx, queue)
    monkeypatch.setattr(connection, "PLANS_KEPT_SECONDS", 3600)
    assert execute.start_all(ticker, SETTINGS, (first,), "w")
    with committed.begin() as tx:
        tx.sql(
            "insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at, completed_at) select"
            " gen_random_uuid(), gen_random_uuid(), %(queue)s, %(agent)s, 'completed', 1, now(), now(), now(), now() from generate_series(1, 5000)",
            {"queue": queue.id, "agent": agent.id},
        )
    assert execute.start_all(ticker, SETTINGS, (second,), "w")
    assert "runs" in reads_in_whole(ticker, "set status = 'running'")
    monkeypatch.setattr(connection, "PLANS_KEPT_SECONDS", 0)
    assert execute.start_all(ticker, SETTINGS, (third,), "w")
    monkeypatch.setattr(connection, "PLANS_KEPT_SECONDS", 3600)
    assert "runs" not in reads_in_whole(ticker, "set status = 'running'")
