"""Distributes ready cases among consumers: the arithmetic of a tick, without a database.

A tick reads the openings (consumers with free slots) and the candidates (cases that are ready, as probed lane by
lane), and this module says which case goes to which agent. A queue with a single consumer needs no plan: the claim
itself picks the cases.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from operator import attrgetter

from casework.core.effects import Bundle, RunMessage
from casework.core.lifecycle import Lane as Lane
from casework.core.model import AgentId, CaseId, QueueId


@dataclass(frozen=True, slots=True)
class Opening:
    """A consumer that can take `slots` cases. Without the trigger it takes only cases that are delegated to it."""

    queue_id: QueueId
    agent_id: AgentId
    trigger: bool
    slots: int


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A case that is ready. The order of the fields is the order in which cases are picked up."""

    lane: int
    ready_at: datetime
    case_id: CaseId
    queue_id: QueueId = field(compare=False)
    agent_id: AgentId | None = field(compare=False)
    """The only agent that may take it; None: any consumer with its trigger on."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The assignment of a case to an agent."""

    candidate: Candidate
    agent_id: AgentId

    @property
    def case_id(self) -> CaseId:
        """Id of the case."""
        return self.candidate.case_id


def free_slots(*, concurrency: int | None, pending: int, running: int, outstanding: int) -> int:
    """How many runs a consumer may start now.

    `concurrency` bounds pending and running runs together. `outstanding` bounds the unstarted ones, so that order
    and delegation are decided late. They are refilled once half of them have started: refilling one by one would cost a
    tick for each claim.
    """
    if concurrency is None and 2 * pending > outstanding:
        return 0
    unstarted = outstanding - pending
    return max(0, unstarted if concurrency is None else min(unstarted, concurrency - pending - running))


@dataclass(slots=True)
class _Room:
    """The remaining slots of an opening."""

    opening: Opening
    left: int

    def free(self) -> tuple[float, int]:
        """Sort key: the share of slots that is free, then their number."""
        return self.left / self.opening.slots, self.opening.slots


_PICK_UP_ORDER = attrgetter("lane", "ready_at", "case_id")


def assign(openings: Sequence[Opening], candidates: Iterable[Candidate]) -> list[Pick]:
    """Give each candidate, in pick-up order, to a consumer with a free slot.

    A case that any consumer may take goes to the one with the largest share of its slots still free, so that
    consumers share a queue in proportion to their capacity.
    """
    own: dict[tuple[QueueId, AgentId], list[_Room]] = {}
    shared: dict[QueueId, list[_Room]] = {}
    for opening in openings:
        if opening.slots > 0:
            room = _Room(opening, opening.slots)
            own[opening.queue_id, opening.agent_id] = [room]
            if opening.trigger:
                shared.setdefault(opening.queue_id, []).append(room)
    picks: list[Pick] = []
    # By key, because comparing and hashing whole records costs more than the rest of the plan.
    distinct = {candidate.case_id: candidate for candidate in candidates}.values()
    for candidate in sorted(distinct, key=_PICK_UP_ORDER):
        queue, agent = candidate.queue_id, candidate.agent_id
        rooms = shared.get(queue, ()) if agent is None else own.get((queue, agent), ())
        best = rooms[0] if len(rooms) == 1 else max(rooms, key=_Room.free, default=None)
        if best and best.left:
            best.left -= 1
            picks.append(Pick(candidate, best.opening.agent_id))
    return picks


MOST_IN_A_BUNDLE = 50
"""Measured end to end: 4,800 no-op runs a second with 20 in a message, 5,900 with 50, and 5% more with 100. If the
worker dies, all runs of its message are attempted again."""

LEAST_BUNDLES = 2
"""Runs that are claimed together are spread over at least this many messages, so that several workers can take them."""


def bundle(
    claimed: Sequence[tuple[AgentId, RunMessage]], seconds_of: Mapping[AgentId, float], seconds: float
) -> list[Bundle]:
    """Let short runs of one agent share a message, up to an expected total of `seconds`. `seconds_of` says how long the
    runs of an agent take; the runs of an unknown agent go alone. So does a run that was attempted before, because it
    may have killed its worker. The order is kept.
    """
    counted = Counter(agent for agent, _ in claimed)
    sizes = {agent: _bundle_size(count, seconds_of.get(agent), seconds) for agent, count in counted.items()}
    bundles: list[list[RunMessage]] = []
    open_: dict[AgentId, list[RunMessage]] = {}
    for agent, message in claimed:
        if message.attempt > 1:
            bundles.append([message])
            continue
        if len(open_.get(agent, ())) % sizes[agent] == 0:
            open_[agent] = []
            bundles.append(open_[agent])
        open_[agent].append(message)
    return [tuple(one) for one in bundles]


def _bundle_size(count: int, each: float | None, seconds: float) -> int:
    if each is None:
        return 1
    fit = MOST_IN_A_BUNDLE if each * MOST_IN_A_BUNDLE <= seconds else int(seconds / each)
    return max(1, min(fit, ceil(count / LEAST_BUNDLES)))


def alone(messages: Iterable[RunMessage]) -> tuple[Bundle, ...]:
    """A message for each run."""
    return tuple((message,) for message in messages)
