"""Which cases are claimed, by whom, in which order, and with which plan."""

import json
from dataclasses import replace

import pytest

from casework.agents import Postpone
from casework.agents.call import Crashed, Returned
from casework.core.lifecycle import CaseStatus
from casework.core.model import AgentKind, Priority, QueueMode
from casework.core.plan import Lane
from casework.service import cases, dispatch, execute, queues
from casework.service.sweep import sweep
from casework.store import claims, transitions
from casework.store.claims import Probe
from casework.store.transitions import by_tick
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    running,
    some_cases,
    start,
    the_case,
    the_run,
    work,
    work_all,
    worked_queue,
)
from rolled_back import undone


def claimed_titles(db, count=None):
    titles = []
    for message in claim(db):
        titles.append(the_case(db, the_run(db, message).case_id).title)
        work(db, message)
    return titles


def add(db, queue, title, **options):
    return cases.create(db, queue.id, [cases.NewCase(title, **options)]).value[0]


def test_the_pick_up_order(db, settings, clock):
    queue, agent = worked_queue(db, concurrency=1)
    resumed, _ = running(db, queue)
    with db.begin() as tx:
        fence = start_fence(tx, resumed)
        transitions.try_again(tx, fence, 5, "x", None)
    postponed, fence = running(db, queue)
    with db.begin() as tx:
        transitions.postpone(tx, fence, tx.now, None)
    clock.forward(1)
    none_1, none_2 = add(db, queue, "none 1"), add(db, queue, "none 2")
    high = add(db, queue, "high", priority=Priority.HIGH)
    medium = add(db, queue, "medium", priority=Priority.MEDIUM)
    clock.forward(10)
    order = []
    while messages := claim(db):
        assert len(messages) == 1
        order.append(the_run(db, messages[0]).case_id)
        work(db, messages[0])
    assert order == [resumed, postponed, high, medium, none_1, none_2]


def test_messages_are_sent_in_the_order_of_picking_up(db):
    queue, _ = worked_queue(db)
    none = some_cases(db, queue, 60)
    high = some_cases(db, queue, 60, priority=Priority.HIGH)
    assert [the_run(db, message).case_id for message in claim(db)] == [*high, *none][:100]


def start_fence(tx, case_id):
    row = tx.sql("select id, run_id, attempt from cases where id = %(id)s", {"id": case_id}).one()
    return transitions.Fence(row.id, row.run_id, row.attempt)


def test_a_case_that_is_not_ready_is_left(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        transitions.postpone(tx, fence, clock.now.replace(hour=13), None)
    clock.forward(3599)
    assert claim(db) == []
    clock.forward(1)
    assert len(claim(db)) == 1


def test_a_delegated_case_waits_for_its_agent_whose_trigger_may_be_off(db, settings):
    queue, _ = worked_queue(db, concurrency=1)
    chosen = an_agent(db, "chosen")
    a_consumer(db, queue, chosen, trigger=False, concurrency=1)
    ids = some_cases(db, queue, 4)
    cases.delegate(db, settings, queue.id, ids[2:], chosen.id)
    by_agent = {the_run(db, message).agent_name: the_run(db, message).case_id for message in claim(db)}
    assert by_agent == {"worker": ids[0], "chosen": ids[2]}


def test_a_consumer_without_trigger_takes_nothing_of_its_own_accord(db):
    queue, agent = a_queue(db), an_agent(db)
    a_consumer(db, queue, agent, trigger=False)
    some_cases(db, queue)
    assert claim(db) == []


def test_concurrency_is_kept_and_waiting_runs_hold_no_slot(db, settings):
    queue, _ = worked_queue(db, "sample_agents:asks", concurrency=2)
    some_cases(db, queue, 5)
    first = claim(db)
    assert len(first) == 2
    assert claim(db) == []
    assert work(db, first[0]) == "needs_input"
    assert len(claim(db)) == 1
    assert claim(db) == []


def test_without_a_limit_only_so_many_unstarted_runs_are_held(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 8)
    few = SETTINGS.model_copy(update={"outstanding_runs": 5})
    messages = claim(db, few)
    assert len(messages) == 5
    assert claim(db, few) == []
    start(db, messages[0])
    assert claim(db, few) == []
    start(db, messages[1])
    start(db, messages[2])
    assert len(claim(db, few)) == 3


def test_two_consumers_share_by_free_capacity(db):
    queue = a_queue(db)
    for name, concurrency in (("big", 4), ("small", 2)):
        a_consumer(db, queue, an_agent(db, name), concurrency=concurrency)
    some_cases(db, queue, 3)
    names = sorted(the_run(db, message).agent_name for message in claim(db))
    assert names == ["big", "big", "small"]


@pytest.mark.parametrize(("mode", "resumes"), [(QueueMode.PAUSED, False), (QueueMode.DRAINING, True)])
def test_a_queue_that_is_not_active_claims_nothing_new(db, settings, mode, resumes):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        transitions.release(tx, fence, "x")
    some_cases(db, queue, 3)
    queues.set_mode(db, TEAM, queue.id, mode)
    assert [the_run(db, message).case_id for message in claim(db)] == ([case_id] if resumes else [])
    queues.set_mode(db, TEAM, queue.id, QueueMode.ACTIVE)
    assert len(claim(db)) == (3 if resumes else 4)


def test_a_case_whose_old_run_has_not_stopped_is_not_claimed(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    done = cases.retry(db, settings, queue.id, [case_id]).value
    assert done.interrupted == [fence.run_id]
    assert claim(db) == []
    clock.forward(5)
    with db.begin() as tx:
        assert transitions.stopped(tx, fence.run_id, fence.attempt, "stopped")
    (message,) = claim(db)
    assert message.run_id != fence.run_id


@pytest.mark.parametrize("action", ["retry", "delegate"])
def test_a_case_whose_old_run_has_to_stop_is_ready_at_the_end_of_its_grace(db, settings, clock, action):
    queue, agent = worked_queue(db)
    case_id, _ = running(db, queue)
    act = {
        "retry": lambda: cases.retry(db, settings, queue.id, [case_id]),
        "delegate": lambda: cases.delegate(db, settings, queue.id, [case_id], agent.id),
    }
    act[action]()
    with db.begin() as tx:
        assert (
            tx.sql("select ready_at from cases where id = %(id)s", {"id": case_id}).scalar_one()
            == clock.now + settings.grace
        )


def test_even_at_the_end_of_the_grace_the_old_run_must_be_ended_first(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    clock.forward(settings.interrupt_grace_seconds + 1)
    assert claim(db) == []


def test_pull_agents_are_not_dispatched(db, settings):
    queue = a_queue(db)
    agent = queues.agents.create(db, settings, TEAM, "remote", kind=AgentKind.PULL)
    a_consumer(db, queue, agent)
    some_cases(db, queue)
    assert claim(db) == []


def explain(tx, statement, **values):
    rows = tx.sql("explain (format json, analyze, buffers) " + statement, values).scalar_one()
    plan = rows if isinstance(rows, list) else json.loads(rows)
    found = []

    def walk(node):
        found.append(node)
        for child in node.get("Plans", ()):
            walk(child)

    walk(plan[0]["Plan"])
    return found


@pytest.fixture
def backlog(db):
    """30,000 pending cases, 30,000 postponed into the future, 30,000 delegated elsewhere."""
    queue, agent = worked_queue(db)
    with db.begin() as tx:
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


def test_the_candidates_come_from_one_index_probe_a_lane(db, backlog, clock):
    queue, agent = backlog
    probes = [Probe(queue.id, owner, lane) for owner in (None, agent.id) for lane in Lane]
    with db.begin() as tx:
        nodes = explain(
            tx,
            claims._CANDIDATES_SQL.format(limit=100),
            queues=[probe.queue_id for probe in probes],
            fors=[probe.agent_id or claims.ANYONE for probe in probes],
            lanes=[int(probe.lane) for probe in probes],
            after=[claims._FRONT[0]] * len(probes),
            after_ids=[claims._FRONT[1]] * len(probes),
            now=clock.now,
        )
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node.get("Relation Name") == "cases"]
    assert [node["Index Name"] for node in scans] == ["cases_claim"]
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    (scan,) = scans
    assert "ready_at" in scan["Index Cond"]
    assert scan.get("Rows Removed by Filter", 0) == 0
    assert scan["Actual Rows"] * scan["Actual Loops"] <= 101
    assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] < 200


def test_looking_for_ready_consumers_reads_a_few_pages(db, backlog, clock):
    with db.begin() as tx:
        nodes = explain(
            tx,
            claims._LOCK_SQL,
            now=clock.now,
            kind="python",
            agent_id=None,
            known_queues=[],
            known_agents=[],
            sent=True,
        )
    scans = [node for node in nodes if node.get("Relation Name") == "cases"]
    assert {node["Index Name"] for node in scans} == {"cases_claim"}
    assert all(node.get("Rows Removed by Filter", 0) == 0 for node in scans)
    assert nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"] < 200


def test_the_claim_reaches_its_cases_by_their_ids(db, backlog, clock):
    queue, agent = backlog
    with db.begin() as tx:
        found = claims.candidates(tx, [Probe(queue.id, None, Lane.NONE)], clock.now, 100)
        nodes = explain(
            tx,
            by_tick._CLAIM_SQL,
            cases=[one.case_id for one in found],
            agents=[agent.id] * 100,
            runs=by_tick.new_ids(100),
            now=clock.now,
        )
    scans = [node for node in nodes if node.get("Relation Name") == "cases" and "Scan" in node["Node Type"]]
    assert scans
    assert {node.get("Index Name") for node in scans} == {"cases_pkey"}


def of_one_consumer(db, clock):
    """A case in every lane, its own or everybody's, in an order of their own."""
    queue, agent = worked_queue(db, concurrency=40)
    for priority in (Priority.NONE, Priority.HIGH, Priority.MEDIUM) * 3:
        clock.forward(1)
        some_cases(db, queue, 3, priority=priority)
    messages = claim(db)
    for number, message in enumerate(messages[:4]):
        execute.settle(
            db,
            SETTINGS,
            execute.start(db, SETTINGS, message, "w"),
            (Returned(Postpone("1s")), Crashed("x", None, True))[number % 2],
        )
    pending = [the_run(db, message).case_id for message in messages[4:]]
    cases.retry(db, SETTINGS, queue.id, pending)
    cases.delegate(db, SETTINGS, queue.id, pending[::2], agent.id)
    clock.forward(60)
    sweep(db, SETTINGS)


def batch_of(db, claims_of, slots):
    """What a round would claim for its only consumer, and where it would go on."""
    with undone(db) as tx:
        (held,) = claims.lock_consumers(tx, AgentKind.PYTHON, SETTINGS.outstanding_runs)
        batch = claims_of(tx, replace(held, opening=replace(held.opening, slots=slots)), held.now)
        case_of = {row.id: row.case_id for row in tx.sql("select id, case_id from runs")}
    return [case_of[message.run_id] for _, message in batch.claimed], batch.picked, batch.reached


@pytest.mark.parametrize("slots", [1, 2, 5, 9, 17, 26, 40])
def test_what_a_consumer_claims_alone_is_what_a_plan_would_give_it(db, clock, slots):
    of_one_consumer(db, clock)
    alone = batch_of(db, lambda tx, held, now: transitions.claim_first(tx, held, now, {}), slots)
    planned = batch_of(db, lambda tx, held, now: dispatch._claim_planned(tx, [held], now, {}), slots)
    assert alone == planned
    _, picked, reached = alone
    assert picked == min(slots, 27)
    assert slots < 27 or len(reached) == 8


def test_the_claim_of_a_single_consumer_probes_its_lanes_and_reaches_its_cases_by_their_ids(db, backlog, clock):
    queue, agent = backlog
    with db.begin() as tx:
        (held,) = claims.lock_consumers(tx, AgentKind.PYTHON, 100)
        nodes = explain(
            tx,
            by_tick._CLAIM_FIRST_SQL.format(limit=100),
            **claims.lanes_of(held.probes(), {}),
            agent_id=agent.id,
            runs=by_tick.new_ids(100),
            slots=100,
            now=clock.now,
        )
    scans = [node for node in nodes if node.get("Relation Name") == "cases" and "Scan" in node["Node Type"]]
    assert {node["Index Name"] for node in scans} == {"cases_claim", "cases_pkey"}
    (probe,) = [node for node in scans if node["Index Name"] == "cases_claim"]
    assert "ready_at" in probe["Index Cond"]
    assert all(node.get("Rows Removed by Filter", 0) == 0 for node in scans)
    assert all(node["Actual Rows"] * node["Actual Loops"] <= 101 for node in scans)


def test_everything_in_a_queue_is_worked(db):
    queue, _ = worked_queue(db, concurrency=7)
    some_cases(db, queue, 50)
    assert work_all(db) == ["completed"] * 50
    assert queues.stats(db, TEAM, queue.id).cases[CaseStatus.COMPLETED] == 50


def test_only_claims_that_are_sent_do_not_wait_for_the_disk(committed):
    """What a pull claims it has started, and a start must not be undone."""
    queue, agent = worked_queue(committed)
    for sent, waits in ((True, "off"), (False, "on"), (True, "off")):
        with committed.begin() as tx:
            claims.lock_consumers(tx, AgentKind.PYTHON, 200, known=[(queue.id, agent.id)], sent=sent)
            assert tx.sql("show synchronous_commit").scalar_one() == waits
        with committed.begin() as tx:
            assert tx.sql("show synchronous_commit").scalar_one() == "on"
