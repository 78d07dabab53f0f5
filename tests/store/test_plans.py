"""A worker keeps its plans. One that was made while the tables were small must still be right when they are large."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from casework.agents import Complete, Fail, Postpone
from casework.agents.results import Crashed, Lost, Returned, Stopped
from casework.core.effects import RunMessage
from casework.core.model import CaseId, QueueMode, RunId
from casework.core.plan import Opening
from casework.service import dispatch
from casework.service.execution import outcomes
from casework.service.execution.executor import Executor
from casework.service.ticker import Fleet, Ticker
from casework.store import connection, processes, runs, slot_time, transitions
from casework.store.consumers import Held
from casework.store.database import Database
from casework.store.transitions import Completion, Fence
from explained import cached_plan, kept_plan, nodes_of, scans_of, sent_by, worker_options
from factories import SETTINGS, Watching, a_consumer, an_agent, an_attempt, claim, finish, some_cases, worked_queue
from seams import noting

NO_ID = UUID(int=0)
FENCE = Fence(CaseId(NO_ID), RunId(NO_ID), 1)
MESSAGE = RunMessage(FENCE.run_id, FENCE.attempt)
SECOND = timedelta(seconds=1)
KEPT = {
    "claim": lambda tx: transitions.claim(tx, [], tx.now),
    "start": lambda tx: transitions.start(tx, MESSAGE, "w"),
    "start_all": lambda tx: transitions.start_all(tx, [MESSAGE], "w"),
    "complete": lambda tx: transitions.complete(tx, FENCE, None),
    "complete_all": lambda tx: transitions.complete_all(tx, [Completion(FENCE, None, 0.0, 0.0)]),
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


@pytest.fixture(scope="module")
def options(servers):
    return worker_options(servers.database)


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
def test_finds_rows_by_keys_in_claims_starts_and_outcomes(db, options, name, count, besides):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    with db.begin() as tx:
        besides(tx, queue)
        nodes = cached_plan(tx, options, sent_by(tx, KEPT[name]))
    scans = scans_of(nodes, "cases", "runs")
    assert {node["Index Name"] for node in scans} <= {"cases_pkey", "runs_pkey", "runs_case"}
    assert len(scans) >= 2
    assert all("id = " in node.get("Index Cond", "") for node in scans), scans


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
@pytest.mark.parametrize("count", [0, 60])
def test_finds_by_their_keys_what_runs_took(db, options, count, besides):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    statement, _ = slot_time.statement([MESSAGE], long=SECOND, under_way=SECOND)
    with db.begin() as tx:
        besides(tx, queue)
        (scan,) = scans_of(cached_plan(tx, options, statement), "cases", "runs")
    assert scan["Index Name"] == "runs_pkey"
    assert "id = " in scan["Index Cond"]


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
@pytest.mark.parametrize("count", [0, 60])
def test_looks_at_the_front_of_a_single_consumers_lanes(db, clock, options, count, besides):
    queue, agent = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    held = Held(Opening(queue.id, agent.id, trigger=True, slots=100), QueueMode.ACTIVE, clock.now)
    with db.begin() as tx:
        besides(tx, queue)
        nodes = cached_plan(tx, options, sent_by(tx, lambda tx: transitions.claim_first(tx, held, held.now, {})))
    scans = scans_of(nodes, "cases", "runs")
    (front,) = [node for node in scans if node["Index Name"] == "cases_claim"]
    assert all(f"{column} = " in front["Index Cond"] for column in ("queue_id", "reserved_for", "lane"))
    assert "ROW(ready_at, id) >= " in front["Index Cond"]
    others = [node for node in scans if node is not front]
    assert {node["Index Name"] for node in others} <= {"cases_pkey", "runs_pkey", "runs_case"}
    assert all("id = " in node["Index Cond"] for node in others)
    assert not [node for node in nodes if node["Node Type"] == "Sort" and node.get("Plans", [{}])[0] is front]


def a_ticker(db):
    """One with a worker that has room for everything."""
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(minutes=1), processes.Report(slots=1000))
    return Ticker("t", Fleet(SETTINGS))


def repeated(db, queue):
    """The statements of tickers and workers about large tables."""
    db, noted = noting(db)
    some_cases(db, queue, 22)
    noted.clear()
    ticks = dispatch.tick(db, SETTINGS, a_ticker(db))
    sent = [message for done in ticks for message in done.effects.runs]
    done = replace(an_attempt(db, sent.pop(0)), result=Returned(Complete()))
    outcomes.finish_and_start(db, SETTINGS, done, sent.pop(0), "w")
    Executor(db, SETTINGS, worker="w", watch=Watching(), perform=lambda effects: None).execute(tuple(sent[:13]))
    for message, result in zip(sent[13:], RESULTS, strict=True):
        started = an_attempt(db, message)
        with db.begin() as tx:
            runs.heartbeat(tx, [message])
        finish(db, started, result)
    a_consumer(db, queue, an_agent(db, "second"))
    ticker = a_ticker(db)
    for _ in range(2):
        some_cases(db, queue, 2)
        assert len(list(dispatch.tick(db, SETTINGS, ticker))) == 2
    return [one for one in dict(noted) if re.search(rf"\b({'|'.join(LARGE)})\b", one)]


def by_keys(node):
    condition = node.get("Index Cond", "")
    # A look around goes from lane to lane, one row each, to what has become ready lately, and to one case in a line.
    looks = "ROW(queue_id, reserved_for, lane) > " in condition or node.get("Index Name") in ("cases_due", "cases_line")
    # And the pace of agents counts the newest of all runs, up to a limit.
    looks |= node.get("Index Name") == "runs_pkey" and node["Scan Direction"] == "Backward"
    return (
        bool(A_KEY.search(condition))
        or node.get("Index Name") in ("cases_bound", "runs_stopping", "human_requests_due")
        or looks
    )


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
def test_repeats_only_statements_that_go_by_keys_or_read_live_runs(db, options, besides):
    queue, _ = worked_queue(db)
    statements = repeated(db, queue)
    assert len(statements) > 15
    with db.begin() as tx:
        besides(tx, queue)
        plans = {statement: cached_plan(tx, options, statement) for statement in statements}
    for statement, nodes in plans.items():
        for node in nodes:
            if node.get("Relation Name") in LARGE and "Scan" in node["Node Type"]:
                assert by_keys(node), (statement, node)


@pytest.fixture
def plans_last(monkeypatch):
    """`plans_last(seconds)`: a connection that is used later than that plans again."""
    return lambda seconds: monkeypatch.setattr(connection, "PLANS_KEPT_SECONDS", seconds)


@pytest.fixture
def ticker(committed):
    """A connection as tickers and workers have them."""
    db = Database(committed.url, pool_size=2, caches_plans=True)
    yield db
    db.close()


def start_all(db, message):
    with db.single() as tx:
        return transitions.start_all(tx, (message,), "w")


def claim_and_end(ticker, committed, memory):
    assert len(dispatch.claim_round(ticker, memory).claimed) > 0
    with committed.begin() as tx:
        tx.sql("update runs set status = 'completed', completed_at = now() where holds_slot")


def test_keeps_a_tickers_plans_whatever_the_tables_hold(committed, ticker, plans_last):
    """Where most lanes are empty, a plan for the given lanes looks cheaper each time than the one that is kept."""
    plans_last(3600)
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 2000)
    with ticker.begin() as tx:
        many_that_are_over(tx, queue)
    memory = Ticker()
    for _ in range(8):
        claim_and_end(ticker, committed, memory)
    with ticker.begin() as tx:
        plans = tx.sql("select statement, generic_plans, custom_plans from pg_prepared_statements").all()
    assert {row.custom_plans for row in plans} == {0}
    assert [row.generic_plans for row in plans if "with pick as" in row.statement] == [8]


def reads_in_whole(ticker, statement):
    """The tables that the kept plan of a statement reads in whole."""
    with ticker.begin() as tx:
        kept = tx.sql("select name, cardinality(parameter_types) as count, statement from pg_prepared_statements").all()
        ((name, count),) = [(row.name, row.count) for row in kept if statement in row.statement]
        nodes = kept_plan(tx, name, count)
    scans = [node for node in nodes if "Scan" in node["Node Type"] and "Relation Name" in node]
    return {node["Relation Name"] for node in scans if "Index Cond" not in node}


def test_reads_not_all_runs_for_a_claim_while_they_are_few(committed, ticker):
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 300)
    with committed.begin() as tx:
        tx.sql("analyze runs")
    claim_and_end(ticker, committed, Ticker())
    assert reads_in_whole(ticker, "with pick as") == set()


def test_replans_soon_after_planning_for_a_tiny_table(committed, ticker, plans_last):
    queue, agent = worked_queue(committed)
    some_cases(committed, queue, 3)
    first, second, third = claim(committed)
    with committed.begin() as tx:
        analyzed(tx, queue)
    plans_last(3600)
    assert start_all(ticker, first)
    with committed.begin() as tx:
        tx.sql(
            "insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at, completed_at) select"
            " gen_random_uuid(), gen_random_uuid(), %(queue)s, %(agent)s, 'completed', 1, now(), now(), now(), now() from generate_series(1, 5000)",
            {"queue": queue.id, "agent": agent.id},
        )
    assert start_all(ticker, second)
    assert "runs" in reads_in_whole(ticker, "set status = 'running'")
    plans_last(0)
    assert start_all(ticker, third)
    plans_last(3600)
    assert "runs" not in reads_in_whole(ticker, "set status = 'running'")


LOCKING = {
    "start_all": (KEPT["start_all"], "runs"),
    "complete_all": (KEPT["complete_all"], "cases"),
    "heartbeat": (lambda tx: runs.heartbeat(tx, [MESSAGE]), "runs"),
}


@pytest.mark.parametrize("count", [0, 1, 3, 60])
@pytest.mark.parametrize("name", LOCKING)
def test_locks_rows_by_their_ids_however_few_there_are(db, options, name, count):
    """In the order of a sorted list, or of an index that begins with the id: whoever locks several does it in this order."""
    statement, table = LOCKING[name]
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    with db.begin() as tx:
        analyzed(tx, queue)
        nodes = cached_plan(tx, options, sent_by(tx, statement))
    (update,) = (node for node in nodes if node.get("Operation") == "Update" and node["Relation Name"] == table)
    first = next(node for node in nodes_of(update) if "Scan" in node["Node Type"])
    assert first["Node Type"] == "Subquery Scan" or first["Index Name"] == f"{table}_pkey", first
