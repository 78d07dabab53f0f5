"""Finds ids by their last characters, which are random. The first ones are a time, which rows that were made together
share. Used only by people at a terminal, so it scans a table: an index would slow down every claim.
"""

from typing import Literal
from uuid import UUID

from casework.core.model import TeamId
from casework.store.database import Tx

Kind = Literal["queue", "agent", "case", "run", "request", "key"]

_OF_TEAM: dict[Kind, str] = {
    "queue": "select x.id, x.name as title from queues x where x.team_id = %(team_id)s",
    "agent": "select x.id, x.name as title from agents x where x.deleted_at is null and x.team_id = %(team_id)s",
    "key": "select x.id, x.name as title from api_keys x where x.team_id = %(team_id)s",
    "case": "select x.id, x.title from cases x join queues q on q.id = x.queue_id where q.team_id = %(team_id)s",
    "run": "select x.id, a.name as title from runs x join agents a on a.id = x.agent_id where a.team_id = %(team_id)s",
    "request": """
        select x.id, x.title from human_requests x join cases c on c.id = x.case_id join queues q on q.id = c.queue_id
        where q.team_id = %(team_id)s
        """,
}


def ending_with(tx: Tx, team_id: TeamId, kind: Kind, ending: str, limit: int) -> list[tuple[UUID, str]]:
    """Ids of the team with that ending, each with a title; the newest first."""
    rows = tx.sql(
        f"{_OF_TEAM[kind]} and right(x.id::text, %(length)s) = %(ending)s order by x.id desc limit %(limit)s",
        {"team_id": team_id, "ending": ending, "length": len(ending), "limit": limit},
    )
    return [(row.id, row.title) for row in rows]
