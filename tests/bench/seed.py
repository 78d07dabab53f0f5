"""Making many cases at once, and bringing claimed ones to their end, without measuring it."""

from typing import Any
from uuid import UUID

import psycopg

from bench.ground import raw
from casework.core.model import Agent, CaseId, NewCase, Queue
from casework.service import agents, cases, queues
from casework.wiring import Casework

PIECE = 250_000


def worked_queue(
    casework: Casework,
    name: str = "inbox",
    target: str = "bench.agents:noop",
    concurrency: int | None = None,
    **more: Any,
) -> tuple[Queue, Agent]:
    """A queue with one consumer; `more` goes to the consumer."""
    queue = queues.create(casework.db, casework.team_id, name)
    agent = agents.create(casework.db, casework.settings, casework.team_id, name, target=target)
    queues.set_consumer(
        casework.db, casework.team_id, queue.id, agent.id, trigger=True, concurrency=concurrency, **more
    )
    return queue, agent


def create(casework: Casework, queue: Queue, count: int, batch: int, data: Any = "") -> None:
    """Create cases as a client does, nudges and all."""
    for start in range(0, count, batch):
        new = [NewCase(f"case {number}", data) for number in range(start, min(count, start + batch))]
        casework.perform(cases.create(casework.db, queue.id, new))


def create_one(casework: Casework, queue: Queue, new: NewCase) -> CaseId:
    """Create a case as a client does, nudge and all."""
    (id,) = casework.perform(cases.create(casework.db, queue.id, [new]))
    return id


def _execute(connection: psycopg.Connection[Any], sql: str, parameters: dict[str, Any]) -> int:
    return connection.execute(sql, parameters).rowcount


def pending(casework: Casework, queue: UUID, count: int, assigned: UUID | None = None, postponed: bool = False) -> None:
    """That many cases, in order of their ids: ready, somebody's own, or postponed until tomorrow."""
    with raw(casework) as connection:
        for start in range(0, count, PIECE):
            add(connection, queue, start + 1, min(count, start + PIECE), assigned, postponed)
        settled(connection)


def add(
    connection: psycopg.Connection[Any],
    queue: UUID,
    first: int,
    last: int,
    assigned: UUID | None = None,
    postponed: bool = False,
) -> None:
    """The cases of those numbers, in one statement."""
    status, ready = ("postponed", "now() + interval '1 day'") if postponed else ("pending", "now() - interval '1 hour'")
    newest = "uuidv7()" if connection.info.server_version >= 180_000 else "gen_random_uuid()"
    _execute(
        connection,
        f"""
        insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, assigned_agent_id, created_at, updated_at)
        select {newest}, %(queue)s, 'case ' || n, '""', '{status}', 0, {ready} + n * interval '1 microsecond',
          {ready if postponed else "null::timestamptz"}, %(assigned)s, now(), now()
        from generate_series(%(first)s::int, %(last)s::int) n
        """,
        {"queue": queue, "assigned": assigned, "first": first, "last": last},
    )


_DUE = """
insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, created_at, updated_at)
select gen_random_uuid(), %(queue)s, 'due ' || n, json_build_object('at', extract(epoch from due)::float8), 'postponed', 0, due, due, now(), now()
from generate_series(1, %(count)s::int) n, lateral (select now() + (%(lead)s + n::float8 / %(rate)s) * interval '1 second' as due) d
"""


def due(connection: psycopg.Connection[Any], queue: UUID, count: int, *, lead: float, rate: float) -> None:
    """Postponed cases that fall due at that rate a second, from `lead` seconds on; their data say when."""
    _execute(connection, _DUE, {"queue": queue, "count": count, "lead": lead, "rate": rate})


def settled(connection: psycopg.Connection[Any]) -> None:
    """Let neither an autovacuum nor a checkpoint of the seeding fall into what is measured."""
    connection.execute("vacuum (analyze) cases")
    connection.execute("vacuum (analyze) runs")
    connection.execute("checkpoint")


_END = """
with ended as (
  update runs set status = 'completed', outcome = 'completed', completed_at = now() where {which} returning id, case_id, agent_id
), moved as (
  update cases c set status = 'completed', run_id = null, run_agent_id = null, completed_at = now(), updated_at = now()
  from ended e where c.id = e.case_id returning c.id
)
select from ended
"""


def end_claimed(connection: psycopg.Connection[Any]) -> int:
    """Complete whatever is claimed, so that the next claim finds an installation at work and not a jam."""
    return _execute(connection, _END.format(which="holds_slot"), {})


def end(connection: psycopg.Connection[Any], runs: list[UUID]) -> int:
    """Complete these runs, whatever else there is."""
    return _execute(connection, _END.format(which="id = any(%(runs)s)"), {"runs": runs})
