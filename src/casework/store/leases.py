"""Longer leases: of runs whose agents are not heard of between two of their calls."""

from datetime import timedelta

from casework.core.lifecycle import RunStatus
from casework.core.model import RunId
from casework.store.database import NOW, Tx


def extend(tx: Tx, run_id: RunId, attempt: int, lead: timedelta) -> None:
    """Let the next heartbeat of a running attempt be due that much later."""
    tx.sql(
        f"""
        update runs set last_heartbeat_at = greatest(last_heartbeat_at, {NOW} + %(lead)s)
        where id = %(id)s and attempt = %(attempt)s and status = '{RunStatus.RUNNING}'
        """,
        {"id": run_id, "attempt": attempt, "lead": lead},
    )
