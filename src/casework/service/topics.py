"""Topics that pages follow, and the version of each: a text that differs once something has changed.

requests        what waits for a person
history         whatever moves a case: queues, lists of cases and runs
case:ID         one case, with what its run says
run:ID          one run, with what it says
"""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from casework.core.model import TeamId
from casework.errors import InvalidInput
from casework.store import versions as store
from casework.store.database import Database


class Topic(NamedTuple):
    """Something that a page follows; what has an id is looked up in the team."""

    kind: str
    team_id: TeamId
    id: UUID | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


_WHOLE = {"requests": store.requests, "history": store.history, "queues": store.queues}
_SINGLE = {"case": store.cases, "run": store.runs}


def parse(team_id: TeamId, text: str) -> Topic:
    """The topic of that name. Raises InvalidInput if there is none."""
    kind, _, id = text.partition(":")
    if text in _WHOLE:
        return Topic(text, team_id)
    try:
        if kind in _SINGLE:
            return Topic(kind, team_id, UUID(id))
    except ValueError:
        pass
    raise InvalidInput("A topic is requests, history, queues, case:ID or run:ID.")


def versions(db: Database, topics: Collection[Topic]) -> dict[Topic, str]:
    """The versions of these topics, in one round trip. A case or run that does not exist has the empty version."""
    groups: dict[tuple[str, TeamId | None], list[Topic]] = defaultdict(list)
    for topic in topics:
        groups[topic.kind, topic.team_id if topic.id else None].append(topic)
    asked = []
    for (kind, team_id), group in groups.items():
        ids = [topic.id for topic in group if topic.id]
        asked.append(_SINGLE[kind](team_id, ids) if team_id else _WHOLE[kind]())
    found = store.find(db, asked) if asked else []
    return {
        topic: rows.get(topic.id, "") for group, rows in zip(groups.values(), found, strict=True) for topic in group
    }
