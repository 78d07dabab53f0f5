"""Who gets how many: the arithmetic of a tick, with no database in it.

A tick reads the openings (consumers with free slots) and the candidates (cases that are ready, as probed lane by
lane), and this module says which case goes to which agent. A consumer that is alone needs no plan: its claim picks.
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
    """A consumer that could take cases: `slots` of them. Without the trigger it takes only what is meant for it."""

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
    """This case goes to that agent."""

    candidate: Candidate
    agent_id: AgentId

    @property
    def case_id(self) -> CaseId:
        """The case's."""
        return self.candidate.case_id


def free_slots(*, concurrency: int | None, pending: int, running: int, outstanding: int) -> int:
    """How many runs a consumer may start now.

    `concurrency` bounds pending and running runs together. `outstanding` bounds the unstarted ones, so that order
    and delegation are decided late. They are filled up once half of them have started: filled up one by one, each
    claim would cost a tick.
    """
    if concurrency is None and 2 * pending > outstanding:
        return 0
    unstarted = outstanding - pending
    return max(0, unstarted if concurrency is None else min(unstarted, concurrency - pending - running))


@dataclass(slots=True)
class _Room:
    """What is left of an opening."""

    opening: Opening
    left: int

    def free(self) -> tuple[float, int]:
        """The share of its slots that is free, then their number."""
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
"""End to end, no-op runs do 4.8 thousand a second by twenty, 5.9 by fifty, and a twentieth more by a hundred; what shares
a message with a worker's death is attempted again."""

LEAST_BUNDLES = 2
"""Runs that are claimed together are spread over so many workers at least: what they share is over in a tenth of a second."""


def bundle(
    claimed: Sequence[tuple[AgentId, RunMessage]], seconds_of: Mapping[AgentId, float], seconds: float
) -> list[Bundle]:
    """Let short runs of one agent share a message, as many as are expected to take `seconds` together.

    `seconds_of` says how long an agent's runs take; of an agent that it does not know, each run goes alone. So does each that
    was begun before: one that killed its worker then takes no others along. The order stays.
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
