"""What a case writes over its life, and that its history says all that it said before."""

from datetime import timedelta

import pytest

from casework.core.model import NewCase
from casework.service import cases
from casework.service.execution.completions import Limits
from casework.service.execution.executor import Executor
from casework.store import figures, migrating, schema, transitions
from casework.store.database import Database
from casework.store.transitions import Completion, Fence
from factories import SETTINGS, TEAM, Watching, claim, some_cases, the_case, work_all, worked_queue

BATCH = 100
BYTES = 2500
"""Of WAL, which a case may write from its creation to its completion: it writes 2,290, and wrote 4,400 with an event for its
creation, an index of slots and one of ended runs."""


@pytest.fixture
def worker(committed):
    """A connection as workers and tickers have them."""
    db = Database(committed.url, pool_size=1, caches_plans=True)
    yield db
    db.close()


def live_through(db, queue):
    """A hundred cases are created, claimed, and completed in one message."""
    some_cases(db, queue, BATCH)
    executor = Executor(
        db, SETTINGS, worker="w", watch=Watching(), perform=lambda effects: None, limits=Limits(group=60)
    )
    assert executor.execute(tuple(claim(db))).value == ["completed"] * BATCH


def flushed(db):
    """The statistics of this connection are those of now."""
    with db.begin() as tx:
        tx.sql("select pg_stat_force_next_flush()")


def written(db):
    """What this connection has written to WAL, whatever others write."""
    flushed(db)
    with db.begin() as tx:
        return tx.sql("select wal_bytes from pg_stat_get_backend_wal(pg_backend_pid())").scalar_one()


def test_a_case_writes_little_over_its_life(worker):
    with worker.begin() as tx:
        if tx.sql("select current_setting('server_version_num')::int < 180000 as old").scalar_one():
            pytest.skip("older servers do not say what one connection writes")
    queue, _ = worked_queue(worker)
    rounds = []
    for _ in range(6):
        before = written(worker)
        live_through(worker, queue)
        rounds.append((written(worker) - before) / BATCH)
    # Whoever first touches a page after a checkpoint writes the whole page.
    assert min(rounds) <= BYTES, rounds


def test_the_start_and_the_end_of_a_run_write_no_index(worker):
    queue, _ = worked_queue(worker)
    live_through(worker, queue)
    flushed(worker)
    with worker.begin() as tx:
        found = tx.sql(
            "select n_tup_ins as claimed, n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'runs'"
        ).one()
    assert (found.claimed, found.updated) == (BATCH, 2 * BATCH)
    assert found.hot >= 0.9 * found.updated


def lines(db, case_id):
    _, events = cases.get(db, TEAM, case_id)
    return [(event.type, event.created_at, event.run_id, event.agent_name, event.reason) for event in events]


def test_the_history_says_when_a_case_was_created_claimed_and_completed(db, clock):
    queue, agent = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    created = clock.now
    clock.forward(60)
    assert work_all(db) == ["completed"]
    (line, claimed, completed) = lines(db, case_id)
    assert line == ("created", created, None, None, None)
    assert (claimed[0], claimed[1], claimed[3]) == ("claimed", clock.now, agent.name)
    assert (completed[0], completed[2]) == ("completed", claimed[2])
    ids = [event.id for event in cases.get(db, TEAM, case_id)[1]]
    assert ids == sorted(ids)
    with db.begin() as tx:
        assert tx.sql("select count(*) from case_events").scalar_one() == 0


def test_the_history_says_until_when_a_new_case_is_postponed(db, clock):
    queue, _ = worked_queue(db)
    new = [NewCase("now", ""), NewCase("later", "", ready_at=timedelta(hours=1))]
    ids = cases.create(db, queue.id, new).value
    changes = [[event.changes for event in cases.get(db, TEAM, id)[1]] for id in ids]
    assert changes[0] == [None]
    assert [one["field"] for one in changes[1][0]] == ["postponed_to"]


def test_cases_with_and_without_keys_are_created_together(db):
    queue, _ = worked_queue(db)
    first = cases.create(db, queue.id, [NewCase("known", "", key="k")]).value
    new = [NewCase("a", ""), NewCase("again", "", key="k"), NewCase("b", "", key="l")]
    ids = cases.create(db, queue.id, new).value
    titles = {the_case(db, id).title: [line[0] for line in lines(db, id)] for id in [*first, *ids]}
    assert titles == {"known": ["created"], "a": ["created"], "b": ["created"]}


OLD = """
with team as (select id from teams limit 1), queue as (
  insert into queues (id, team_id, name, created_at, updated_at)
  select %(queue)s::uuid, id, 'old', now(), now() from team returning id
), agent as (
  insert into agents (id, team_id, name, kind, created_at) select %(agent)s::uuid, id, 'earlier', 'pull', now() from team returning id
), made as (
  insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at, completed_at, attempt)
  select %(case)s::uuid, id, 'case', '{}', 'completed', now(), now() - interval '1 day', now(), now(), 1 from queue
), ended as (
  insert into runs (id, case_id, queue_id, agent_id, status, outcome, attempt, created_at, claimed_at, sent_at, started_at,
    completed_at, stop_deadline, claimed_event, completed_event)
  select gen_random_uuid(), %(case)s, queue.id, agent.id, 'completed', 'completed', 1, t, t, t, t, now() - interval '10 min', now(),
    nextval('case_events_id_seq'), nextval('case_events_id_seq')
  from queue, agent, (select now() - interval '1 hour' as t) at
)
insert into case_events (case_id, type, created_at) values (%(case)s, 'created', now() - interval '1 day')
"""


@pytest.fixture
def earlier(new_database):
    """A database of the version before, with a case that a run completed after most of an hour."""
    db = Database(new_database("earlier", migrate=False))
    migrating.upgrade(db, "0014")
    names = {"queue": 1, "agent": 2, "case": 3}
    ids = {name: f"00000000-0000-7000-8000-{number:012}" for name, number in names.items()}
    with db.begin() as tx:
        tx.sql(OLD, ids)
    yield db, ids
    db.close()


def of_case(db, case_id):
    with db.begin() as tx:
        return tx.sql("select * from case_history where case_id = %(id)s order by id", {"id": case_id}).all()


def test_an_upgrade_leaves_the_history_as_it_was(earlier):
    db, ids = earlier
    before = of_case(db, ids["case"])
    assert len(before) == 3
    schema.upgrade(db)
    assert of_case(db, ids["case"]) == before


def test_an_upgrade_finds_what_ended_and_what_holds_a_slot(earlier):
    db, ids = earlier
    schema.upgrade(db)
    with db.begin() as tx:
        (ended,) = figures.ended(tx, [ids["queue"]], tx.now - timedelta(hours=1), tx.now)
        assert ended.count == 1
        assert tx.sql("select count(*) from runs where stop_deadline is not null").scalar_one() == 0


def test_tables_that_hold_rows_are_left_as_they_are_and_work(earlier):
    db, ids = earlier
    schema.upgrade(db)
    queue, _ = worked_queue(db)
    live_through(db, queue)
    with db.begin() as tx:
        assert tx.sql("select count(*) from cases where id = %(case)s", ids).scalar_one() == 1
        (line,) = tx.sql("select attnum from pg_attribute where attrelid = 'cases'::regclass and attname = 'title'")
        assert line.attnum == 3
        named = "select indexdef from pg_indexes where indexname in ('cases_listed', 'cases_completed')"
        assert len(tx.sql(named).all()) == 2


def test_tables_on_which_somebody_was_granted_something_are_left(new_database):
    db = Database(new_database("granted", migrate=False))
    migrating.upgrade(db, "0016")
    with db.begin() as tx:
        tx.sql("grant select on cases to public")
    schema.upgrade(db)
    with db.begin() as tx:
        assert tx.sql("select relacl is not null from pg_class where oid = 'cases'::regclass").scalar_one()
    db.close()


def test_several_runs_are_locked_in_the_order_of_their_ids(worker):
    queue, _ = worked_queue(worker)
    some_cases(worker, queue, BATCH)
    messages = claim(worker)[::-1]
    with worker.single() as tx:
        started = transitions.start_all(tx, messages, "w")
    assert [row.run_id for row in started] == sorted(message.run_id for message in messages)
    fences = [Fence(row.case_id, row.run_id, row.attempt) for row in started]
    with worker.single() as tx:
        transitions.complete_all(tx, [Completion(fence, None, 0.0, 0.0) for fence in fences[::-1]])
    with worker.begin() as tx:
        ended = [row.id for row in tx.sql("select id from runs order by completed_event")]
    assert ended == sorted(message.run_id for message in messages)
