"""What a run keeps besides messages and steps: states of its own, and usage. Every statement is fenced by the run and its
attempt, the reading ones too: an attempt that lost its case must not go on from what another one is changing.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from casework.core.usage import Usage
from casework.store.connection import Asked
from casework.store.database import NOW, Tx
from casework.store.transitions import HOLDS, Fence

# Whoever deletes the case has locked it: it is gone then, or its states are deleted after this.
_HELD = f"held as (select 1 from cases where {HOLDS} for share)"

_SAVE_SQL = f"""
with {_HELD}, saved as (
  insert into run_state (run_id, name, value, updated_at)
  select %(run_id)s, %(name)s, %(value)s::bytea, {NOW} from held
  on conflict (run_id, name) do update set value = excluded.value, updated_at = excluded.updated_at
)
select count(*) from held
"""

_DELETE_SQL = f"""
with {_HELD}, deleted as (
  delete from run_state s using held where s.run_id = %(run_id)s and s.name = %(name)s
)
select count(*) from held
"""

_LOAD_SQL = f"""
select (select value from run_state where run_id = %(run_id)s and name = %(name)s) as value from cases where {HOLDS}
"""

_NAMES_SQL = f"""
select array(
  select name from run_state where run_id = %(run_id)s and starts_with(name, %(prefix)s) order by name collate "C"
) as names
from cases where {HOLDS}
"""

_USAGE_SQL = f"""
with held as (select 1 from cases where {HOLDS}), used as (
  insert into run_usage (run_id, key, model, input_tokens, output_tokens, requests, cost, created_at)
  select %(run_id)s, %(key)s, %(model)s, %(input_tokens)s, %(output_tokens)s, %(requests)s, %(cost)s::numeric, {NOW} from held
  on conflict (run_id, key) do nothing
)
select count(*) from held
"""

USAGE_OF_RUN = """(
  select json_build_object(
    'input_tokens', sum(u.input_tokens), 'output_tokens', sum(u.output_tokens), 'requests', sum(u.requests), 'cost', sum(u.cost),
    'models', array_remove(array_agg(distinct u.model), null)
  )
  from run_usage u where u.run_id = r.id having count(*) > 0
)"""
"""An expression: what the run `r` has used, as JSON."""


def usage(found: Mapping[str, Any] | None) -> Usage:
    """What the expression found."""
    return Usage(**{**found, "models": tuple(found["models"])}) if found else Usage()


def save_statement(fence: Fence, name: str, value: bytes) -> Asked:
    """Keep a state. Returns 0, here and below, if the run no longer holds its case."""
    return _SAVE_SQL, {**fence.parameters(), "name": name, "value": value}


def delete_statement(fence: Fence, name: str) -> Asked:
    """Forget a state, if there is one."""
    return _DELETE_SQL, {**fence.parameters(), "name": name}


def load(tx: Tx, fence: Fence, name: str) -> tuple[bytes | None] | None:
    """A state, or None in a tuple if there is none; None, here and below, if the run no longer holds its case."""
    row = tx.sql(_LOAD_SQL, {**fence.parameters(), "name": name}).one_or_none()
    return row and (None if row.value is None else bytes(row.value),)


def names(tx: Tx, fence: Fence, prefix: str) -> tuple[list[str]] | None:
    """The names of states that begin so."""
    row = tx.sql(_NAMES_SQL, {**fence.parameters(), "prefix": prefix}).one_or_none()
    return row and (list(row.names),)


def usage_statement(fence: Fence, usage: Usage, key: str) -> Asked:
    """Count what was used, unless the key is known. Returns 0 if the run no longer holds its case."""
    values = {
        "key": key,
        "model": next(iter(usage.models), None),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "requests": usage.requests,
        "cost": usage.cost,
    }
    return _USAGE_SQL, {**fence.parameters(), **values}


def forget_states(tx: Tx, case_ids: Sequence[UUID]) -> None:
    """Delete the states of all runs of cases that the transaction has locked."""
    tx.sql(
        "delete from run_state s using runs r where r.case_id = any(%(ids)s::uuid[]) and s.run_id = r.id",
        {"ids": list(case_ids)},
    )
