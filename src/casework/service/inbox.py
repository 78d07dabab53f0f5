"""What waits for a person: the requests that one may answer, the most urgent first, with all that is needed to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from casework.core.model import Case, Message, Priority, QueueId, RunRecord, TeamId
from casework.core.requests import HumanRequest
from casework.errors import NotFound
from casework.store import cases, messages, runs
from casework.store import inbox as store
from casework.store import requests as requests_store
from casework.store.database import Database

SHOWN = 100
"""Requests of one look. The next come up when these are answered."""

STORY = 200
"""Messages of a run, the latest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, or a group of them, by its first one."""

    request: HumanRequest
    queue_id: QueueId
    queue: str
    agent: str
    priority: Priority
    group: tuple[HumanRequest, ...]
    """All of its group that wait, itself included."""

    @property
    def alike(self) -> str:
        """Equal for requests that can be answered together."""
        request = self.request
        action = request.action.name if request.action else ""
        return f"{self.queue_id} {self.agent} {request.kind} {action} {' '.join(request.options)}"


@dataclass(frozen=True, slots=True)
class Detail:
    """A request with its case, and with what the agent said and did before."""

    request: HumanRequest
    group: tuple[HumanRequest, ...]
    """All requests of its wait, itself included, the first first."""
    queue_id: QueueId
    queue: str
    agent: str
    case: Case
    run: RunRecord | None
    story: tuple[Message, ...]
    left_out: bool
    """Whether the run said more than the story holds, before it."""


def waiting(db: Database, team_id: TeamId, names: Sequence[str]) -> list[Waiting]:
    """What waits for somebody of these names, up to SHOWN requests; groups as one."""
    with db.snapshot() as tx:
        places = store.places(tx, team_id, names, SHOWN)
        ids = [place.id for place in places]
        found = {one.id: one for one in requests_store.find(tx, team_id, open_only=False, ids=ids, limit=SHOWN)}
    groups: dict[UUID, list[HumanRequest]] = {}
    firsts: dict[UUID, store.Place] = {}
    for place in places:
        request = found[place.id]
        firsts.setdefault(request.waits_as, place)
        groups.setdefault(request.waits_as, []).append(request)
    listed = []
    for waits_as, place in firsts.items():
        group = tuple(sorted(groups[waits_as], key=lambda one: one.id))
        listed.append(Waiting(group[0], place.queue_id, place.queue, place.agent, place.priority, group))
    return listed


def count(db: Database, team_id: TeamId, names: Sequence[str], most: int = 100) -> int:
    """How many requests wait for somebody of these names, up to `most`."""
    with db.single() as tx:
        return store.count(tx, team_id, names, most)


def detail(db: Database, team_id: TeamId, request_id: UUID) -> Detail:
    """Everything about a request. Raises NotFound."""
    with db.snapshot() as tx:
        request = requests_store.get(tx, team_id, request_id)
        where = store.context(tx, request_id) if request else None
        case = cases.get(tx, team_id, request.case_id) if request else None
        if request is None or where is None or case is None:
            raise NotFound("request", request_id)
        group = [request]
        if request.group_id:
            group = requests_store.find(tx, team_id, open_only=False, group_id=request.group_id, limit=100)
        story = messages.last(tx, request.run_id, STORY + 1)
        run = runs.get(tx, team_id, request.run_id)
    queue_id, queue, agent = where
    group = sorted(group, key=lambda one: one.id)
    return Detail(request, tuple(group), queue_id, queue, agent, case, run, tuple(story[-STORY:]), len(story) > STORY)
