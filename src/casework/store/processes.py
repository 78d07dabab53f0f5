"""When tickers and workers were last seen, for the diagnosis of queues that stand still."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.store.connection import Asked
from casework.store.database import NOW, Tx

# `started_at` is reset after a gap: it says since when the process has been listening without a break.
_SEEN_SQL = f"""
insert into processes as p (id, role, started_at, seen_at, lost_slots) values (%(id)s, %(role)s, {NOW}, {NOW}, %(lost_slots)s)
on conflict (id) do update set seen_at = excluded.seen_at, lost_slots = excluded.lost_slots,
  started_at = case when p.seen_at < excluded.seen_at - %(gap)s then excluded.seen_at else p.started_at end
returning {NOW} - started_at as worked
"""


def seen_statement(id: str, role: str, gap: timedelta, lost_slots: int = 0) -> Asked:
    """Note that a process works. Its only value is how long the process has done so without a gap that long."""
    return _SEEN_SQL, {"id": id, "role": role, "gap": gap, "lost_slots": lost_slots}


def seen(tx: Tx, id: str, role: str, gap: timedelta, lost_slots: int = 0) -> None:
    """Note that a process works."""
    tx.sql(*seen_statement(id, role, gap, lost_slots))


def lost_slots(tx: Tx, within: timedelta) -> dict[str, int]:
    """How many slots each process lost to agents that do not end, of those that were seen within that time."""
    rows = tx.sql(
        f"select id, lost_slots from processes where lost_slots > 0 and seen_at > {NOW} - %(within)s order by id",
        {"within": within},
    )
    return {row.id: row.lost_slots for row in rows}


def last_seen(tx: Tx) -> dict[str, datetime]:
    """When a process of each role was last seen; a role is missing if none ever was."""
    return {
        row.role: row.seen_at for row in tx.sql("select role, max(seen_at) as seen_at from processes group by role")
    }


@dataclass(frozen=True, slots=True)
class Process:
    """A ticker or worker."""

    id: str
    role: str
    started_at: datetime
    """Since when it has been seen without a gap."""
    seen_at: datetime
    lost_slots: int


def find(tx: Tx) -> list[Process]:
    """The processes that were seen within the last day, by role."""
    rows = tx.sql("select id, role, started_at, seen_at, lost_slots from processes order by role, id")
    return [Process(**row._asdict()) for row in rows]


def forget(tx: Tx, id: str) -> None:
    """Delete a process that ended."""
    tx.sql("delete from processes where id = %(id)s", {"id": id})


def forget_silent(tx: Tx, age: timedelta) -> None:
    """Delete processes that were not seen for that long."""
    tx.sql(f"delete from processes where seen_at < {NOW} - %(age)s", {"age": age})
