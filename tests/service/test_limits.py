"""Limits over queues, over agents, and for each value of a key."""

from collections import Counter

import pytest
from limiting import all_claims, customers, end, limit, of, parked

from casework.core.effects import News
from casework.core.model import LabelRef, NewCase, Priority
from casework.errors import NotFound
from casework.service import cases, dispatch, labels, limits, pull, queues
from casework.service.ticker import Ticker
from casework.store import transitions
from casework.store.parked import MOST_HEADS
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, claim, some_cases, start, the_run, worked_queue
from seams import noting


def test_a_queue_is_bound_over_all_its_agents(db):
    queue, agent = worked_queue(db)
    a_consumer(db, queue, an_agent(db, "second"))
    some_cases(db, queue, 10)
    limit(db, queue=queue.name, concurrency=3)
    first = all_claims(db)
    assert len(first) == 3
    end(db, first[0])
    assert len(all_claims(db)) == 1


def test_an_agent_is_bound_over_all_its_queues(db):
    queue, agent = worked_queue(db)
    other = a_queue(db, "other")
    a_consumer(db, other, agent)
    some_cases(db, queue, 5), some_cases(db, other, 5)
    limit(db, agent=agent.name, concurrency=4)
    assert len(all_claims(db)) == 4


def test_a_slot_of_an_agent_serves_any_of_its_queues_and_names_none(db):
    """It may have thousands, and a tick would look at each of them."""
    queue, agent = worked_queue(db)
    other = a_queue(db, "other")
    a_consumer(db, other, agent)
    limit(db, agent=agent.name, concurrency=1)
    some_cases(db, queue)
    end(db, *claim(db))
    some_cases(db, other)
    watched, noted = noting(db)
    done = list(dispatch.tick(watched, SETTINGS, Ticker(limited=True), news=News(), sweeping=False))
    assert sum(one.value.claimed for one in done) == 1
    locked = [given for statement, given in noted if "for update of c skip locked" in statement and "queues" in given]
    assert locked and not any(given["queues"] for given in locked)


def test_runs_that_are_under_way_count_against_a_new_limit(db):
    queue, _ = worked_queue(db, concurrency=2)
    of(db, queue, "a", 2)
    first = claim(db)
    queues.set_consumer(db, TEAM, queue.id, "worker", trigger=True, concurrency=None)
    limit(db, queue=queue.name, key="data.customer", concurrency=3)
    of(db, queue, "a", 5), of(db, queue, "b", 1)
    assert customers(db, all_claims(db)) == {"a": 1, "b": 1}
    end(db, *first)
    assert customers(db, all_claims(db)) == {"a": 2}


@pytest.mark.parametrize("before", [True, False])
def test_each_value_of_a_field_is_bound_for_itself(db, before):
    queue, _ = worked_queue(db)
    if before:
        limit(db, queue=queue.name, key="data.customer", concurrency=2)
    of(db, queue, "a", 40), of(db, queue, "b", 1), of(db, queue, "c", 3)
    if not before:
        limit(db, queue=queue.name, key="data.customer", concurrency=2)
    first = all_claims(db)
    assert customers(db, first) == {"a": 2, "b": 1, "c": 2}
    assert parked(db) == 39
    ticker = Ticker()
    end(db, *first)
    second = all_claims(db, ticker)
    assert customers(db, second) == {"a": 2, "c": 1}
    done = list(second)
    while second:
        end(db, *second)
        second = all_claims(db, ticker)
        done += second
    assert len(done) == 39


def test_a_beat_lets_out_of_new_lines_no_more_than_may_begin(db):
    queue, _ = worked_queue(db, concurrency=1)
    limit(db, queue=queue.name, key="data.customer", concurrency=2)
    of(db, queue, "a", 40), of(db, queue, "b", 40)
    for _ in range(3):
        list(dispatch.tick(db, SETTINGS))
    assert parked(db) == 76


def test_each_value_of_a_label_is_bound_for_itself(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="label:customer", concurrency=1)
    new = [NewCase("x", labels=(LabelRef(value, "customer"),)) for value in "aab"]
    cases.create(db, queue.id, [*new, NewCase("without a label")])
    assert len(all_claims(db)) == 3


def test_one_customers_many_cases_do_not_stand_before_anothers_one(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 50), of(db, queue, "b", 2)
    order, ticker = [], Ticker()
    for _ in range(4):
        (message,) = all_claims(db, ticker)
        order += customers(db, [message])
        clock.forward(1)
        end(db, message)
    assert order == ["a", "b", "a", "b"]


def test_priority_goes_before_time_within_a_line(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 3)
    (urgent,) = of(db, queue, "a", priority=Priority.HIGH)
    (first,) = all_claims(db)
    end(db, first)
    (second,) = all_claims(db)
    assert the_run(db, second).case_id == urgent


def test_a_key_of_an_agent_holds_nothing_back_from_others(db):
    queue, agent = worked_queue(db)
    limit(db, agent=agent.name, key="data.customer", concurrency=1)
    a_consumer(db, queue, an_agent(db, "other"), concurrency=2)
    of(db, queue, "a", 10), of(db, queue, "b", 1)
    claimed = all_claims(db)
    taken = Counter((the_run(db, one).agent_name, *customers(db, [one])) for one in claimed)
    assert taken["other", "a"] + taken["other", "b"] == 2
    assert taken["worker", "a"] == 1
    assert parked(db) == 0


def test_what_waits_for_the_only_agent_is_set_free_by_another(db):
    queue, agent = worked_queue(db)
    limit(db, agent=agent.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 10)
    assert len(all_claims(db)) == 1
    assert parked(db) == 9
    a_consumer(db, queue, an_agent(db, "other"), concurrency=2)
    done = [one for part in dispatch.tick(db, SETTINGS) for one in part.effects.runs]
    assert len(done) == 2


def test_a_limit_that_is_raised_lets_more_begin(db):
    queue, _ = worked_queue(db)
    made = limit(db, queue=queue.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 5)
    assert len(all_claims(db)) == 1
    assert limit(db, queue=queue.name, key="data.customer", concurrency=3).id == made.id
    assert len(all_claims(db)) == 2


def test_a_limit_that_is_deleted_lets_all_begin(db):
    queue, _ = worked_queue(db)
    made = limit(db, queue=queue.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 50)
    assert len(all_claims(db)) == 1
    limits.delete(db, TEAM, made.id)
    assert len(all_claims(db)) == 49
    assert limits.find(db, TEAM) == []
    with pytest.raises(NotFound):
        limits.delete(db, TEAM, made.id)


def test_a_case_that_is_changed_waits_in_the_line_of_its_new_value(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    ids = of(db, queue, "a", 4)
    all_claims(db)
    cases.update(db, TEAM, ids[2], data={"customer": "b"})
    assert customers(db, all_claims(db)) == {"b": 1}
    cases.update(db, TEAM, ids[3], data={})
    (message,) = all_claims(db)
    assert the_run(db, message).case_id == ids[3]


def test_a_case_that_is_relabelled_waits_in_the_line_of_its_new_value(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="label:customer", concurrency=1)
    ids = cases.create(db, queue.id, [NewCase("x", labels=(LabelRef("a", "customer"),))] * 3).value
    all_claims(db)
    (label,) = labels.of_case(db, TEAM, queue.id, ids[2], limit=9, offset=0)
    labels.unlink(db, TEAM, queue.id, ids[2], [label.id])
    (message,) = all_claims(db)
    assert the_run(db, message).case_id == ids[2]


def test_so_many_cases_of_a_value_stand_in_the_lanes_at_most(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=50_000)
    of(db, queue, "a", MOST_HEADS), of(db, queue, "a", 5)
    assert parked(db) == 5
    assert customers(db, all_claims(db)) == {"a": MOST_HEADS + 5}


def test_an_agent_elsewhere_gets_what_stands_behind_a_full_value(db):
    queue, puller = a_queue(db), an_agent(db, "puller", target=None, kind="pull")
    a_consumer(db, queue, puller)
    of(db, queue, "a", 50), of(db, queue, "b")
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    taken = [pull.claim(db, TEAM, "puller", "elsewhere") for _ in range(3)]
    assert [one and one.case.data["customer"] for one in taken] == ["a", "b", None]


@pytest.mark.parametrize("act", ["change", "delete"])
def test_cases_whose_label_changes_leave_the_line_of_its_old_value(db, act):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="label:customer", concurrency=1)
    of_both = (LabelRef("a", "customer"), LabelRef("b", "customer"))
    cases.create(db, queue.id, [NewCase("x", labels=of_both[:1])])
    (waiting,) = cases.create(db, queue.id, [NewCase("x", labels=of_both)]).value
    assert len(all_claims(db)) == 1
    # The first of them is what counts.
    label = next(one for one in labels.names(db, TEAM, queue.id, 9) if one.value == "a")
    if act == "change":
        labels.change(db, TEAM, queue.id, label.id, key=None, value="c", hue=None)
    else:
        labels.delete(db, TEAM, queue.id, label.id)
    (message,) = all_claims(db)
    assert the_run(db, message).case_id == waiting


def test_what_only_a_busy_agent_may_take_does_not_hold_up_its_line(db, clock, settings):
    queue, _ = worked_queue(db)
    busy = an_agent(db, "busy")
    a_consumer(db, queue, busy, trigger=False, concurrency=1)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    (other,) = of(db, queue, "b")
    cases.delegate(db, settings, queue.id, [other], busy.id)
    assert customers(db, all_claims(db)) == {"b": 1}
    first, *_ = of(db, queue, "a", 3)
    cases.delegate(db, settings, queue.id, [first], busy.id)
    clock.forward(11)
    ticks = dispatch.tick(db, settings, Ticker())
    assert customers(db, [run for one in ticks for run in one.effects.runs]) == {"a": 1}


@pytest.mark.parametrize("act", ["retry", "delegate", "postpone", "settle", "delete"])
def test_people_act_on_a_case_in_a_line_as_on_any(db, clock, settings, act):
    queue, agent = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    ids = of(db, queue, "a", 4)
    (first,) = all_claims(db)
    chosen = [ids[2]]
    acts = {
        "retry": lambda: cases.retry(db, settings, queue.id, chosen),
        "delegate": lambda: cases.delegate(db, settings, queue.id, chosen, agent.id),
        "postpone": lambda: cases.postpone(db, settings, queue.id, chosen, "1h"),
        "settle": lambda: cases.settle(db, settings, queue.id, chosen, "completed"),
        "delete": lambda: cases.delete(db, settings, queue.id, chosen),
    }
    acts[act]()
    order, ticker = [], Ticker()
    while first:
        end(db, first)
        first = next(iter(all_claims(db, ticker)), None)
        if first:
            order.append(the_run(db, first).case_id)
    assert set(order) == ({ids[1], ids[2], ids[3]} if act in ("retry", "delegate") else {ids[1], ids[3]})
    clock.forward(3600)
    assert len(all_claims(db, ticker)) == (1 if act == "postpone" else 0)


def test_agents_elsewhere_keep_to_limits(db):
    queue = a_queue(db)
    agent = an_agent(db, "remote", target=None, kind="pull")
    a_consumer(db, queue, agent)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    limit(db, queue=queue.name, concurrency=2)
    of(db, queue, "a", 3), of(db, queue, "b", 3), of(db, queue, "c", 3)
    got = [pull.claim(db, TEAM, agent.id, "w") for _ in range(4)]
    assert [one.case.data["customer"] for one in got if one] == ["a", "b"]


def test_what_is_tried_again_counts_again(db, clock):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    of(db, queue, "a", 3)
    (message,) = all_claims(db)
    fence = start(db, message)
    with db.begin() as tx:
        transitions.try_again(tx, fence, 1.0, "again", None)
    (second,) = all_claims(db)
    clock.forward(2)
    assert all_claims(db) == []
    end(db, second)
    (again,) = all_claims(db)
    assert again.run_id == message.run_id


def test_lines_that_nobody_needs_are_deleted(db):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    for customer in "abc":
        of(db, queue, customer)
    ticker = Ticker()
    end(db, *all_claims(db, ticker))
    for _ in range(2):
        list(dispatch.tick(db, SETTINGS, ticker))
    with db.begin() as tx:
        assert tx.sql("select count(*) from limit_lines").scalar_one() == 0
        assert tx.sql("select count(*) from limit_holds").scalar_one() == 0


def test_what_a_queue_or_an_agent_leaves_behind_is_gone(db, settings):
    queue, agent = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", concurrency=1)
    limit(db, agent=agent.name, concurrency=1)
    of(db, queue, "a", 3)
    all_claims(db)
    queues.delete_agent(db, settings, TEAM, agent.id)
    assert [one.agent_id for one in limits.find(db, TEAM)] == [None]
    queues.delete(db, settings, TEAM, queue.id)
    assert limits.find(db, TEAM) == []
