"""Which cases are claimed, by whom, and in which order."""

from dataclasses import replace

import pytest

from casework.agents import Postpone
from casework.agents.results import Crashed, Returned
from casework.core import plan
from casework.core.lifecycle import CaseStatus
from casework.core.model import DISPATCHED_KINDS, AgentKind, Priority, QueueMode
from casework.service import cases, queues
from casework.service.scan_positions import reached
from casework.service.sweep import sweep
from casework.store import candidates, consumers, transitions
from casework.store.transitions import Batch
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    an_attempt,
    claim,
    finish,
    locked,
    running,
    some_cases,
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


def test_picks_up_cases_in_order(db, settings, clock):
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


def test_sends_messages_in_the_order_of_picking_up(db):
    queue, _ = worked_queue(db)
    none = some_cases(db, queue, 60)
    high = some_cases(db, queue, 60, priority=Priority.HIGH)
    assert [the_run(db, message).case_id for message in claim(db)] == [*high, *none]


def start_fence(tx, case_id):
    row = tx.sql("select id, run_id, attempt from cases where id = %(id)s", {"id": case_id}).one()
    return transitions.Fence(row.id, row.run_id, row.attempt)


def test_leaves_a_case_that_is_not_ready(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        transitions.postpone(tx, fence, clock.now.replace(hour=13), None)
    clock.forward(3599)
    assert claim(db) == []
    clock.forward(1)
    assert len(claim(db)) == 1


def test_gives_a_delegated_case_to_its_agent_without_a_trigger(db, settings):
    queue, _ = worked_queue(db, concurrency=1)
    chosen = an_agent(db, "chosen")
    a_consumer(db, queue, chosen, trigger=False, concurrency=1)
    ids = some_cases(db, queue, 4)
    cases.delegate(db, settings, queue.id, ids[2:], chosen.id)
    by_agent = {the_run(db, message).agent_name: the_run(db, message).case_id for message in claim(db)}
    assert by_agent == {"worker": ids[0], "chosen": ids[2]}


def test_gives_a_consumer_without_trigger_nothing_undelegated(db):
    queue, agent = a_queue(db), an_agent(db)
    a_consumer(db, queue, agent, trigger=False)
    some_cases(db, queue)
    assert claim(db) == []


def test_keeps_the_concurrency_without_counting_waiting_runs(db, settings):
    queue, _ = worked_queue(db, "sample_agents:asks", concurrency=2)
    some_cases(db, queue, 5)
    first = claim(db)
    assert len(first) == 2
    assert claim(db) == []
    assert work(db, first[0]) == "needs_input"
    assert len(claim(db)) == 1
    assert claim(db) == []


def test_shares_cases_between_two_consumers_by_free_capacity(db):
    queue = a_queue(db)
    for name, concurrency in (("big", 4), ("small", 2)):
        a_consumer(db, queue, an_agent(db, name), concurrency=concurrency)
    some_cases(db, queue, 3)
    names = sorted(the_run(db, message).agent_name for message in claim(db))
    assert names == ["big", "big", "small"]


@pytest.mark.parametrize(("mode", "resumes"), [(QueueMode.PAUSED, False), (QueueMode.DRAINING, True)])
def test_claims_nothing_new_from_an_inactive_queue(db, settings, mode, resumes):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        transitions.release(tx, fence, "x")
    some_cases(db, queue, 3)
    queues.set_mode(db, TEAM, queue.id, mode)
    assert [the_run(db, message).case_id for message in claim(db)] == ([case_id] if resumes else [])
    queues.set_mode(db, TEAM, queue.id, QueueMode.ACTIVE)
    assert len(claim(db)) == (3 if resumes else 4)


def test_does_not_claim_a_case_before_its_former_run_has_stopped(db, settings, clock):
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
def test_readies_a_case_at_the_end_of_its_old_runs_grace(db, settings, clock, action):
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


def test_claims_only_after_the_old_run_is_ended_even_past_its_grace(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    clock.forward(settings.interrupt_grace_seconds + 1)
    assert claim(db) == []


def test_dispatches_nothing_to_pull_agents(db, settings):
    queue = a_queue(db)
    agent = queues.agents.create(db, settings, TEAM, "remote", kind=AgentKind.PULL)
    a_consumer(db, queue, agent)
    some_cases(db, queue)
    assert claim(db) == []


def of_one_consumer(db, clock):
    """A case in every lane, its own or everybody's, in an order of their own."""
    queue, agent = worked_queue(db, concurrency=40)
    for priority in (Priority.NONE, Priority.HIGH, Priority.MEDIUM) * 3:
        clock.forward(1)
        some_cases(db, queue, 3, priority=priority)
    messages = claim(db)
    for number, message in enumerate(messages[:4]):
        finish(
            db,
            an_attempt(db, message),
            (Returned(Postpone("1s")), Crashed("x", None, True))[number % 2],
        )
    pending = [the_run(db, message).case_id for message in messages[4:]]
    cases.retry(db, SETTINGS, queue.id, pending)
    cases.delegate(db, SETTINGS, queue.id, pending[::2], agent.id)
    clock.forward(60)
    sweep(db, SETTINGS)


def planned_for(tx, held, now):
    """What a round of several consumers would claim for this one."""
    found = candidates.first(tx, held.probes(), now, held.opening.slots)
    picks = plan.assign([held.opening], found)
    return Batch(transitions.claim(tx, picks, now), len(picks), reached(picks))


def batch_of(db, claims_of, slots):
    """What a round would claim for its only consumer, and where it would go on."""
    with undone(db) as tx:
        (held,) = locked(tx)
        batch = claims_of(tx, replace(held, opening=replace(held.opening, slots=slots)), held.now)
        case_of = {row.id: row.case_id for row in tx.sql("select id, case_id from runs")}
    return [case_of[message.run_id] for _, message in batch.claimed], batch.picked, batch.reached


@pytest.mark.parametrize("slots", [1, 2, 5, 9, 17, 26, 40])
def test_claim_for_a_single_consumer_agrees_with_the_plan(db, clock, slots):
    of_one_consumer(db, clock)
    alone = batch_of(db, lambda tx, held, now: transitions.claim_first(tx, held, now, {}), slots)
    planned = batch_of(db, planned_for, slots)
    assert alone == planned
    _, picked, reached = alone
    assert picked == min(slots, 27)
    assert slots < 27 or len(reached) == 8


def test_works_everything_in_a_queue(db):
    queue, _ = worked_queue(db, concurrency=7)
    some_cases(db, queue, 50)
    assert work_all(db) == ["completed"] * 50
    assert queues.stats(db, TEAM, queue.id).cases[CaseStatus.COMPLETED] == 50


def test_skips_the_wait_for_the_disk_only_for_sent_claims(committed):
    """What a pull claims it has started, and a start must not be undone."""
    queue, agent = worked_queue(committed)
    for sent, waits in ((True, "off"), (False, "on"), (True, "off")):
        with committed.begin() as tx:
            consumers.lock(tx, DISPATCHED_KINDS, 200, known=[(queue.id, agent.id)], sent=sent)
            assert tx.sql("show synchronous_commit").scalar_one() == waits
        with committed.begin() as tx:
            assert tx.sql("show synchronous_commit").scalar_one() == "on"
