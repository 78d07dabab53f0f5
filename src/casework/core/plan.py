"""Distributes ready cases among consumers: the arithmetic of a tick, without a database.

A tick reads the openings (consumers with free slots), the candidates (cases that are ready, as probed lane by lane) and the
room that workers have, and this module says which case goes to which agent:

1. Cases of runs that go on, such as answered ones, come first, in the order in which they became ready, in whatever queue.
2. For the rest, consumers take turns by their shares: see `core.shares`. At its turn a consumer gets the first case of its
   queue, by lane and time, that is for it or for anybody. Among consumers with equal claims, the one with the largest part of
   its slots free is next, so that consumers share a queue in proportion to their capacity.
3. If the run whose turn it is does not fit into the room that is left, its group waits for it. Otherwise short runs would
   fill each gap, and a long one would never start.

If a single consumer has an opening, there is nothing to plan: the claim itself picks the cases.
"""

import heapq
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from math import ceil
from operator import attrgetter, itemgetter
from types import MappingProxyType

from casework.core.capacity import Pair, Room
from casework.core.effects import Parcel, RunMessage
from casework.core.lifecycle import Lane as Lane
from casework.core.limits import Gates
from casework.core.model import AgentId, CaseId, QueueId
from casework.core.shares import Shares


@dataclass(frozen=True, slots=True)
class Opening:
    """A consumer that can take `slots` cases. Without the trigger it takes only cases that are delegated to it."""

    queue_id: QueueId
    agent_id: AgentId
    trigger: bool
    slots: int
    weight: float = 1.0
    """Its share of the workers, beside the weights of others."""
    group: str = ""
    """The group of workers that its runs need."""

    @property
    def pair(self) -> Pair:
        return self.queue_id, self.agent_id


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A case that is ready. The order of the fields is the order in which cases of a queue are picked up."""

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


def free_slots(*, concurrency: int | None, used: int, most: int) -> int:
    """How many runs a consumer may start now: at most `most`. `concurrency` bounds the runs that it has."""
    return most if concurrency is None else max(0, min(most, concurrency - used))


_PICK_UP_ORDER = attrgetter("lane", "ready_at", "case_id")


class _Plan:
    """Assigns candidates to openings. Each pick uses up a slot of its consumer, room of the workers, and a share."""

    def __init__(
        self,
        openings: Sequence[Opening],
        candidates: Iterable[Candidate],
        room: Room | None,
        shares: Shares | None,
        gates: Gates | None,
        others: Collection[Pair],
    ) -> None:
        self._room, self._shares, self._gates, self._others = room, shares, gates, others
        is_alone = len(openings) + len(others) == 1
        self._left = {one.pair: one.slots if is_alone else self._slots(one) for one in openings}
        self._openings = [opening for opening in openings if opening.slots > 0]
        self._own: dict[Pair, deque[Candidate]] = {one.pair: deque() for one in self._openings}
        self._shared: dict[QueueId, deque[Candidate]] = {one.queue_id: deque() for one in self._openings if one.trigger}
        self.picks: list[Pick] = []
        # By key, because comparing and hashing whole records costs more than the rest of the plan.
        distinct = {candidate.case_id: candidate for candidate in candidates}.values()
        for candidate in sorted(distinct, key=_PICK_UP_ORDER):
            agent = candidate.agent_id
            line = self._shared.get(candidate.queue_id) if agent is None else self._own.get((candidate.queue_id, agent))
            if line is not None:
                line.append(candidate)
        # An agent may have to pass over a case that another one may take.
        self._seen: dict[Pair, deque[Candidate]] = (
            {one.pair: self._shared[one.queue_id].copy() for one in self._openings if one.trigger} if gates else {}
        )
        self._taken: set[CaseId] = set()

    def _slots(self, opening: Opening) -> int:
        """Of runs that are taken for short because others of the agent were, a few are tried first: a flood of long ones would
        fill the slots for as many times as long."""
        if self._room and self._shares and self._room.weight(opening.pair) < 1:
            tries = self._shares.tries(opening.pair)
            return opening.slots if tries is None else min(opening.slots, tries)
        return opening.slots

    def assign(self) -> list[Pick]:
        if self._shares:
            self._shares.advance([*(one.pair for one in self._openings if self._line_of(one)), *self._others])
        closed = self._assign_resumed()
        turns = [(self._turn(one), place, one) for place, one in enumerate(self._openings) if one.group not in closed]
        heapq.heapify(turns)
        while turns:
            _, place, opening = turns[0]
            line = self._line_of(opening)
            if line and self._has_place(opening, closed):
                self._pick(opening, line.popleft())
                heapq.heapreplace(turns, (self._turn(opening), place, opening))
            else:
                heapq.heappop(turns)
        return self.picks

    def _assign_resumed(self) -> set[str]:
        """Returns the groups in which no more fits: their room is kept for a run that goes on."""
        closed: set[str] = set()
        resumed = [
            (line[0].ready_at, opening.pair, opening)
            for opening in self._openings
            if (line := self._first_own(opening)) and line[0].lane == Lane.RESUMED
        ]
        heapq.heapify(resumed)
        while resumed:
            _, pair, opening = heapq.heappop(resumed)
            line = self._first_own(opening)
            if line and line[0].lane == Lane.RESUMED and self._has_place(opening, closed):
                self._pick(opening, line.popleft())
                line = self._first_own(opening)
                if line and line[0].lane == Lane.RESUMED:
                    heapq.heappush(resumed, (line[0].ready_at, pair, opening))
        return closed

    def _turn(self, opening: Opening) -> tuple[float, float, int]:
        time = self._shares.time(opening.pair) if self._shares else 0.0
        return time, -self._left[opening.pair] / opening.slots, -opening.slots

    def _line_of(self, opening: Opening) -> deque[Candidate] | None:
        """The line in which the next case for it stands."""
        own, shared = self._first_own(opening), self._first_shared(opening) if opening.trigger else None
        if not own or not shared:
            return own or shared
        return own if _PICK_UP_ORDER(own[0]) < _PICK_UP_ORDER(shared[0]) else shared

    def _first_own(self, opening: Opening) -> deque[Candidate]:
        return self._passed(opening, self._own[opening.pair])

    def _first_shared(self, opening: Opening) -> deque[Candidate] | None:
        return self._passed(opening, self._seen[opening.pair]) if self._gates else self._shared.get(opening.queue_id)

    def _passed(self, opening: Opening, line: deque[Candidate]) -> deque[Candidate]:
        """The line without those at its head that a limit holds back. What is full stays full within a plan."""
        if self._gates:
            while line and (line[0].case_id in self._taken or not self._gates.admit(line[0].case_id, opening.agent_id)):
                line.popleft()
        return line

    def _has_place(self, opening: Opening, closed: set[str]) -> bool:
        """Whether the consumer may have one more run now. A group whose room is too small for it is closed: it waits for this
        run. If only the workers that can run the agent are busy, others go first."""
        consumer, group, room = opening.pair, opening.group, self._room
        if group in closed or not self._left[consumer]:
            return False
        if room and not room.fits_group(consumer, group):
            closed.add(group)
            return False
        return room is None or room.fits(consumer, group)

    def _pick(self, opening: Opening, candidate: Candidate) -> None:
        self.picks.append(Pick(candidate, opening.agent_id))
        self._left[opening.pair] -= 1
        if self._gates:
            self._taken.add(candidate.case_id)
            self._gates.take(candidate.case_id, opening.agent_id)
        if self._room:
            self._room.take(opening.pair, opening.group)
            if self._shares:
                self._shares.charge(opening.pair, self._room.seconds(opening.pair), opening.weight)


def assign(
    openings: Sequence[Opening],
    candidates: Iterable[Candidate],
    room: Room | None = None,
    shares: Shares | None = None,
    gates: Gates | None = None,
    others: Collection[Pair] = (),
) -> list[Pick]:
    """Give candidates to consumers with free slots, by the rules above. Without `room` workers have room for all of them,
    without `shares` nobody has had anything before, and without `gates` no limit bounds them together. `others` wait for their
    shares, and somebody else serves them now."""
    return _Plan(openings, candidates, room, shares, gates, others).assign()


MOST_IN_A_BUNDLE = 100
"""Measured with no-op runs: 9,000 a second with 50 in a message, 12,500 with 100, 14,000 with 200. If the worker dies, all
runs of its message are attempted again."""

LEAST_BUNDLES = 2
"""Runs that are claimed together are spread over at least this many messages, so that several workers can take them."""

MESSAGE_SECONDS = 0.002
"""Runs that take no longer together are not spread: a message costs as much by itself. Otherwise each claim that fills up for one
message that has ended would be cut in halves, and so on."""


def bundle(
    claimed: Sequence[tuple[AgentId, RunMessage]],
    seconds_of: Mapping[AgentId, float],
    seconds: float,
    group_of: Mapping[AgentId, str] = MappingProxyType({}),
    ahead: Collection[AgentId] = (),
) -> list[Parcel]:
    """Let short runs of one agent share a message, up to an expected total of `seconds`. `seconds_of` says how long the
    runs of an agent take; the runs of an unknown agent go alone. So does a run that was attempted before, because it
    may have killed its worker. `group_of` says which group of workers an agent needs, and `ahead` which agents' runs are
    claimed ahead. The order is kept.
    """
    # In stretches of one agent, because to look an id up takes as long as the rest.
    stretches = [(agent, [message for _, message in one]) for agent, one in groupby(claimed, itemgetter(0))]
    counted: Counter[AgentId] = Counter()
    for agent, messages in stretches:
        counted[agent] += len(messages)
    sizes = {agent: _bundle_size(count, seconds_of.get(agent), seconds) for agent, count in counted.items()}
    bundles: list[tuple[AgentId, list[RunMessage]]] = []
    open_: dict[AgentId, list[RunMessage]] = {}
    for agent, messages in stretches:
        runs, size = open_.get(agent, []), sizes[agent]
        for message in messages:
            if message.attempt > 1:
                bundles.append((agent, [message]))
                continue
            if len(runs) % size == 0:
                runs = []
                bundles.append((agent, runs))
            runs.append(message)
        open_[agent] = runs
    return [Parcel(tuple(runs), group_of.get(agent, ""), agent in ahead) for agent, runs in bundles]


def _bundle_size(count: int, each: float | None, seconds: float) -> int:
    if each is None:
        return 1
    fit = MOST_IN_A_BUNDLE if each * MOST_IN_A_BUNDLE <= seconds else int(seconds / each)
    together = int(MESSAGE_SECONDS / each) if each * fit > MESSAGE_SECONDS else fit
    return max(1, min(fit, max(together, ceil(count / LEAST_BUNDLES))))
