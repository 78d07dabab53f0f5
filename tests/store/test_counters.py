"""Counters add up, stay with their queue, and are locked last and in one order."""

import pytest
from psycopg.errors import CheckViolation

from casework.core.model import CounterName
from casework.service import queues
from casework.store import counters, runs
from casework.store.ids import new_id
from casework.store.stuck import Lookout
from factories import TEAM, a_consumer, a_queue, an_agent, claim, some_cases
from seams import noting

NONE = dict.fromkeys(CounterName, 0)


def counted(db, queue):
    with db.begin() as tx:
        return counters.of_queue(tx, queue.id)


def test_adds_counters_up_queue_by_queue(db):
    one, other = a_queue(db, "one"), a_queue(db, "other")
    with db.begin() as tx:
        for count in (1, 2):
            counters.add(tx, one.id, CounterName.RUN_LOST, count)
        counters.add(tx, one.id, CounterName.MESSAGE_RESENT)
        counters.add(tx, other.id, CounterName.RUN_LOST)
    assert counted(db, one) == {**NONE, "run_lost": 3, "message_resent": 1}
    assert counted(db, other) == {**NONE, "run_lost": 1}


def test_counts_nothing_for_a_queue_that_is_not_there(db):
    gone = new_id()
    with db.begin() as tx:
        counters.add(tx, gone, CounterName.RUN_LOST)
        assert counters.of_queue(tx, gone) == NONE
        assert tx.sql("select count(*) from counters").scalar_one() == 0


def test_refuses_unknown_counter_names(db):
    queue = a_queue(db)
    with pytest.raises(CheckViolation, match="counters_name"), db.begin() as tx:
        counters.add(tx, queue.id, "odd")


def test_deletes_counters_with_their_queue(db, settings):
    one, other = a_queue(db, "one"), a_queue(db, "other")
    with db.begin() as tx:
        for queue in (one, other):
            for name in CounterName:
                counters.add(tx, queue.id, name)
    queues.delete(db, settings, TEAM, one.id)
    assert counted(db, one) == NONE
    assert counted(db, other) == dict.fromkeys(CounterName, 1)


def test_counts_messages_of_several_queues_in_key_order(db):
    agent = an_agent(db)
    found = [a_queue(db, name) for name in ("a", "b", "c")]
    for number, queue in enumerate(found):
        a_consumer(db, queue, agent)
        some_cases(db, queue, number + 1)
    claim(db)
    seen, noted = noting(db)
    with seen.begin() as tx:
        unsent = Lookout().found(0, tx.sql(*Lookout().looking(0, lease=30, resend=0, timeout=0.0)))
        assert len(runs.mark_sent(tx, unsent[::-1], tx.now)) == 6
    added = [parameters["queue_id"] for statement, parameters in noted if "insert into counters" in statement]
    assert added == sorted(queue.id for queue in found)
    assert [counted(db, queue)["message_resent"] for queue in found] == [1, 2, 3]
