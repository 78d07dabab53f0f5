"""Messages and steps of runs. Every write is fenced by the run and its attempt."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from casework.core.model import Message, RunId
from casework.core.steps import Step
from casework.store.connection import Asked
from casework.store.database import NOW, Tx
from casework.store.transitions import HOLDS, Fence

_SAY_SQL = f"""
with held as (select 1 from cases where {HOLDS}), said as (
  insert into run_messages (run_id, type, role, content, key, created_at)
  select %(run_id)s, %(type)s, 'assistant', %(content)s::json, %(key)s, {NOW} from held
  on conflict (run_id, key) do nothing
)
select count(*) from held
"""

_STEP_SQL = f"""
with held as (select 1 from cases where {HOLDS}), done as (
  insert into run_steps (run_id, name, value, created_at, awaited)
  select %(run_id)s, %(name)s, %(value)s::json, {NOW}, %(awaited)s from held
  on conflict (run_id, name) do nothing
)
select count(*) from held
"""

# A step keeps the time when it was done.
_TAKE_STEPS_SQL = f"""
with held as (
  select id, steps_of_run from cases where {HOLDS} for no key update
), kept as (
  insert into run_steps (run_id, name, value, created_at, awaited)
  select %(run_id)s, s.name, s.value, s.created_at, s.awaited from held h join run_steps s on s.run_id = h.steps_of_run
  on conflict (run_id, name) do nothing
), taken as (
  update cases c set steps_of_run = null from held h where c.id = h.id
)
select count(*) from held
"""

_STEP = "name, value, created_at, awaited"


def say_statement(fence: Fence, type: str, content: Any, key: str) -> Asked:
    """Add a message unless the run has one with that key. Returns 0, here and below, if the run no longer holds its case."""
    values = {"type": type, "content": json.dumps(content, ensure_ascii=False), "key": key}
    return _SAY_SQL, {**fence.parameters(), **values}


def step_statement(fence: Fence, name: str, value: str, awaited: bool = False) -> Asked:
    """Keep the result of a step, as JSON text."""
    return _STEP_SQL, {**fence.parameters(), "name": name, "value": value, "awaited": awaited}


def record_step(tx: Tx, fence: Fence, name: str, value: str, awaited: bool = False) -> bool:
    """Keep the result of a step, as JSON text; False if the run no longer holds its case."""
    return bool(tx.sql(*step_statement(fence, name, value, awaited)).scalar_one())


def steps_of(tx: Tx, run_id: RunId) -> dict[str, Step]:
    """The steps that the run has done, by name."""
    rows = tx.sql(f"select {_STEP} from run_steps where run_id = %(run_id)s", {"run_id": run_id})
    return {row.name: Step(**row._asdict()) for row in rows}


def take_kept_steps(tx: Tx, fence: Fence) -> bool:
    """Give the run the steps that a retry kept for it; False if it no longer holds its case."""
    return bool(tx.sql(_TAKE_STEPS_SQL, fence.parameters()).scalar_one())


def find_steps(tx: Tx, run_id: UUID, *, limit: int, offset: int = 0) -> list[Step]:
    """Steps of a run, in the order in which they were done."""
    rows = tx.sql(
        f"""
        select {_STEP} from run_steps where run_id = %(run_id)s
        order by created_at, name limit %(limit)s offset %(offset)s
        """,
        {"run_id": run_id, "limit": limit, "offset": offset},
    )
    return [Step(**row._asdict()) for row in rows]


def find(
    tx: Tx, run_id: UUID, *, limit: int, offset: int = 0, after: int = 0, types: Sequence[str] = ()
) -> list[Message]:
    """Messages of a run after the one with the id `after`, the oldest first."""
    rows = tx.sql(
        """
        select id, type, role, created_at, content, key from run_messages
        where run_id = %(run_id)s and id > %(after)s and (%(types)s::text[] = '{}' or type = any(%(types)s))
        order by id limit %(limit)s offset %(offset)s
        """,
        {"run_id": run_id, "limit": limit, "offset": offset, "after": after, "types": list(types)},
    )
    return [Message(**row._asdict()) for row in rows]


def latest(tx: Tx, run_id: UUID, limit: int) -> list[Message]:
    """The latest texts and tool calls of a run, newest last."""
    rows = tx.sql(
        """
        select * from (
          select id, type, role, created_at, content from run_messages
          where run_id = %(run_id)s and type in ('text', 'tool_call') order by id desc limit %(limit)s
        ) m order by id
        """,
        {"run_id": run_id, "limit": limit},
    )
    return [Message(**row._asdict()) for row in rows]


def last(tx: Tx, run_id: UUID, limit: int, *, before: int | None = None) -> list[Message]:
    """The latest messages of a run, or those before the one with that id, newest last."""
    rows = tx.sql(
        """
        select * from (
          select id, type, role, created_at, content, key from run_messages
          where run_id = %(run_id)s and id < coalesce(%(before)s::bigint, 9223372036854775807) order by run_id desc, id desc limit %(limit)s
        ) m order by id
        """,
        {"run_id": run_id, "limit": limit, "before": before},
    )
    return [Message(**row._asdict()) for row in rows]
