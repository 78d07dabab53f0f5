"""The server refuses for a time: an outcome waits, and is written then."""

from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from casework import events
from casework.errors import DatabaseUnavailable
from casework.store.database import Database
from factories import claim, history, some_cases, work, worked_queue

STATES = ("25006", "40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P03", "08006", "58030")


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
@pytest.mark.parametrize("state", STATES)
def test_a_state_that_passes_is_an_outage_in_one_line(committed, open_, state):
    with pytest.raises(DatabaseUnavailable) as error, open_(committed) as tx:
        tx.sql(f"do $$ begin raise exception E'first\\nsecond' using errcode = '{state}'; end $$")
    assert str(error.value).endswith(": first")


@pytest.mark.parametrize("state", ["25006", "53100", "55P03", "57014"])
@pytest.mark.parametrize("target", ["sample_agents:completes", "sample_agents:fails"])
def test_an_outcome_waits_while_the_database_takes_no_writes(committed, state, target):
    queue, _ = worked_queue(committed, target)
    (id,) = some_cases(committed, queue)
    (message,) = claim(committed)
    with committed.begin() as tx:
        tx.sql(
            "create function refuse() returns trigger language plpgsql as"
            f" $$ begin raise exception 'not now' using errcode = '{state}'; end $$"
        )
        tx.sql(
            "create trigger refused before update on cases for each statement when (pg_trigger_depth() = 0) execute function refuse()"
        )
    waits: Queue[events.Event] = Queue()
    events.subscribe(waits.put)
    try:
        with ThreadPoolExecutor(1) as threads:
            working = threads.submit(work, committed, message)
            while not isinstance(waits.get(timeout=30), events.WriteDelayed):
                pass
            with committed.begin() as tx:
                tx.sql("drop trigger refused on cases")
            assert working.result(30) in ("completed", "failed")
    finally:
        events.unsubscribe(waits.put)
    assert history(committed, id)[-1] in ("completed", "failed")
    assert history(committed, id).count("claimed") == 1
