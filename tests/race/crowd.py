"""Several cases in every state, restored in milliseconds: for what is tried a thousand times."""

from dataclasses import replace

from scenes import QUESTION, Scene, past

from casework.agents.results import Asked
from casework.core.limits import Rate
from casework.core.model import LabelRef, NewCase, Priority
from casework.service import cases, limits, requests
from casework.store.tables import metadata
from factories import SETTINGS, TEAM, a_consumer, an_agent, an_attempt, claim, finish, worked_queue

STATES = OVERDUE, CLAIMED, RUNNING, ASKED, PRIOR, ANSWERED, BESIDE, NEXT = range(8)
KEPT = [table for table in metadata.sorted_tables if table.name not in ("teams", "processes")]


CUSTOMERS = {RUNNING: "running", ANSWERED: "answered"}
"""What the cases say of their customers; the others have one each."""


class Crowd(Scene):
    """A single case's actors meet at the running one, in the middle."""

    @property
    def case(self):
        return self.cases[RUNNING]


def crowd(db):
    """A case in each state, a pending one, and BESIDE, which runs too; both runs are silent. NEXT waits for their worker. PRIOR is claimed before the cases that are
    older, so that the order of the runs is not the order of their cases."""
    queue, agent = worked_queue(db)
    a_consumer(db, queue, an_agent(db, "other"), trigger=False)
    new = [
        NewCase(
            f"case {n}",
            {"customer": CUSTOMERS.get(n, str(n))},
            priority=Priority.HIGH if n == PRIOR else Priority.NONE,
        )
        for n in STATES
    ]
    ids = cases.create(db, queue.id, new).value
    order = [PRIOR, *(n for n in STATES if n != PRIOR)]
    messages = dict(zip(order, claim(db), strict=True))
    started = {n: an_attempt(db, messages[n], "w") for n in STATES if n not in (CLAIMED, PRIOR, NEXT)}
    for n in (ANSWERED, ASKED):
        finish(db, started[n], Asked(QUESTION))
        (request,) = requests.find(db, queue.team_id)
        if n == ANSWERED:
            requests.answer(db, queue.team_id, request.id, "that one")
    cases.retry(db, SETTINGS, queue.id, [ids[OVERDUE]])
    past(db, "update runs set last_heartbeat_at = now() - interval '1 h' where status = 'running'")
    past(db, "update runs set stop_deadline = now() - interval '1 min' where stop_deadline is not null")
    past(
        db, "update cases set ready_at = (select stop_deadline from runs where case_id = cases.id) where run_id is null"
    )
    past(db, "update runs set sent_at = now() - interval '1 h' where status = 'pending'")
    pending = cases.create(db, queue.id, [NewCase("pending")]).value
    running = started[RUNNING]
    stale = running.holder._replace(fence=running.fence._replace(attempt=0))
    late = replace(running, holder=stale)
    return Crowd(
        db,
        queue,
        agent,
        [*ids, *pending],
        message=messages[CLAIMED],
        started=running,
        newer=late,
        request=request.id,
        beside=(messages[BESIDE],),
        started_beside=(started[BESIDE],),
        claimed=(messages[CLAIMED], messages[PRIOR]),
        following=messages[NEXT],
    )


def limited_crowd(db):
    """The same under limits that are not reached, but for the running case's customer, of whom another case waits."""
    scene = crowd(db)
    limits.put(db, TEAM, queue=scene.queue.id, concurrency=100)
    limits.put(db, TEAM, agent=scene.agent.id, concurrency=100, rate=Rate(1000, 1.0, 1000))
    limits.put(db, TEAM, queue=scene.queue.id, key="data.customer", concurrency=1)
    label = (LabelRef("known", "customer"),)
    waiting = cases.create(db, scene.queue.id, [NewCase("waits", {"customer": "running"}, label)] * 2).value
    return replace(scene, cases=[*scene.cases, *waiting])


def keep(db):
    """Let `restore` bring the tables back to what they hold now, but with the newest rows first, and read from there:
    who locks several rows and does not say in which order does it in another one than by id."""
    deletes, inserts = [], []
    with db.begin() as tx:
        tx.sql("create schema kept")
        for table in KEPT:
            columns = ", ".join(column.name for column in table.columns if column.computed is None)
            tx.sql(f"create table kept.{table.name} as select {columns} from {table.name}")
            deletes.insert(0, f"delete from {table.name};")
            inserts.append(
                f"insert into {table.name} ({columns}) overriding system value select {columns} from kept.{table.name} order by 1 desc;"
            )
        body = " ".join(deletes + inserts)
        tx.sql(f"create function restore() returns void language plpgsql as $$ begin {body} end $$")
        for way in ("indexscan", "bitmapscan", "indexonlyscan"):
            tx.sql(f"alter database raced set enable_{way} = off")
    db.close()


def restore(db):
    with db.single() as tx:
        tx.sql("select restore()")


def forget(db):
    """For the next crowd."""
    with db.begin() as tx:
        tx.sql("drop function restore()")
        tx.sql("drop schema kept cascade")
        tx.sql("select empty_all()")
        for way in ("indexscan", "bitmapscan", "indexonlyscan"):
            tx.sql(f"alter database raced reset enable_{way}")
    db.close()
