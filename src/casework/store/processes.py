"""When tickers and workers were last seen, for the diagnosis of queues that stand still."""

from datetime import datetime, timedelta

from casework.store.database import NOW, Tx

# `started_at` is reset after a gap: it says since when the process has been listening without a break.
_SEEN_SQL = f"""
insert into processes as p (id, role, started_at, seen_at) values (%(id)s, %(role)s, {NOW}, {NOW})
on conflict (id) do update set seen_at = excluded.seen_at,
  started_at = case when p.seen_at < excluded.seen_at - %(gap)s then excluded.seen_at else p.started_at end
returning started_at
"""


def seen(tx: Tx, id: str, role: str, gap: timedelta) -> datetime:
    """Record that a process is alive, and return since when, without a gap of that length."""
    since: datetime = tx.sql(_SEEN_SQL, {"id": id, "role": role, "gap": gap}).scalar_one()
    return since


def last_seen(tx: Tx) -> dict[str, datetime]:
    """When a process of each role was last seen; a role is missing if none ever was."""
    return {
        row.role: row.seen_at for row in tx.sql("select role, max(seen_at) as seen_at from processes group by role")
    }


def forget(tx: Tx, id: str) -> None:
    """Delete a process that ended."""
    tx.sql("delete from processes where id = %(id)s", {"id": id})


def forget_silent(tx: Tx, age: timedelta) -> None:
    """Delete processes that were not seen for that long."""
    tx.sql(f"delete from processes where seen_at < {NOW} - %(age)s", {"age": age})
