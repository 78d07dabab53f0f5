"""The tick: sweep, then claim ready cases for consumers with free slots, batch by batch, as far as workers have room."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from uuid import UUID

from casework import events
from casework.core import plan
from casework.core.capacity import Pair, Room
from casework.core.effects import ANYWHERE, Committed, Effects, News, RunMessage
from casework.core.model import DISPATCHED_KINDS, AgentId
from casework.core.plan import Pick
from casework.core.shares import Shares
from casework.service import admission, lines
from casework.service.crash_points import Point, reach
from casework.service.scan_positions import reached
from casework.service.sweep import sweep
from casework.service.ticker import Ticker
from casework.settings import Settings
from casework.store import candidates, consumers, transitions
from casework.store.candidates import Position, Probe
from casework.store.consumers import Held
from casework.store.database import Database, Tx
from casework.store.transitions import Batch

BATCH = 200
"""Claims of one consumer in one transaction: two full messages. 1000 would cost a third less for each case, and hold their locks
five times as long."""

ALL_LANES = 1_000_000
"""Of a look everywhere. A lane that holds cases costs 3 µs: 190 of them took 0.5 ms."""

_LATE_COMMIT = timedelta(seconds=5)
"""A look around begins that long before the last one: a case may be committed some time after the moment that it bears."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did."""

    claimed: int = 0
    swept: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """What one transaction of claims did."""

    batch: Batch = field(default_factory=Batch)
    is_last: bool = True
    """Whether another round would find nothing: later cases, and slots that come free, bring their own news."""
    has_room: bool = True
    group_of: Mapping[AgentId, str] = field(default_factory=dict)
    """The groups of workers that the agents need."""
    busy: Collection[Pair] = ()
    """The consumers that had something to claim."""


def tick(
    db: Database,
    settings: Settings,
    ticker: Ticker | None = None,
    *,
    news: News = ANYWHERE,
    sweeping: bool = True,
    seconds: float = 5.0,
    most: int | None = None,
) -> Iterator[Committed[Tick]]:
    """Sweep, and claim while there is work and time. Each result is committed; the caller performs its effects.

    `news` says what to look at, besides what the ticker remembers. A tick that sweeps comes with the clock: it looks at a part of
    all queues, and the next one goes on there. `most` bounds what one transaction claims for a consumer; BATCH
    does otherwise.
    """
    end = monotonic() + seconds
    ticker = ticker or Ticker()
    if sweeping:
        ticker.positions.reset()
        swept = sweep(db, settings, ticker)
        yield Committed(Tick(swept=swept.value.total()), swept.effects)
    queues = news.queues
    ticker.looks_again = ticker.looks_again or news.freed
    if sweeping or news.around:
        if ticker.fleet:
            ticker.fleet.ask_again()
        _look_around(db, ticker, everywhere=news.around)
    queues = lines.serve(db, ticker, sweeping=sweeping).union(queues)
    while queues or ticker.backlog or (ticker.looks_again and _look_around(db, ticker)):
        done = _claim(db, ticker, queues, most=most)
        queues = lines.serve(db, ticker)
        if claimed := done.batch.claimed:
            agents = {agent for agent, _ in claimed}
            short, ahead = _paces(settings, ticker, agents)
            parcels = plan.bundle(claimed, short, settings.bundle_seconds, done.group_of, ahead)
            yield Committed(Tick(claimed=len(claimed)), Effects(parcels=tuple(parcels)))
            events.emit(events.CasesClaimed(len(claimed)))
            if ticker.fleet:
                ticker.fleet.durations.measure(db, settings, done.busy)
        if monotonic() > end or not done.has_room:
            return
        if done.is_last and not queues and not (ticker.looks_again and _look_around(db, ticker)):
            return


def _paces(
    settings: Settings, ticker: Ticker, agents: Collection[AgentId]
) -> tuple[Mapping[AgentId, float], Collection[AgentId]]:
    """Those of the agents whose short runs may share a message, and those whose runs are claimed ahead."""
    if ticker.fleet is None:
        return {}, ()
    known = ticker.fleet.durations
    ahead = {agent for agent in agents if known.mean.get(agent, inf) < settings.claim_ahead_seconds / 2}
    return known.short(settings.bundle_seconds, agents), ahead


def claim_round(db: Database, ticker: Ticker | None = None, *, most: int | None = None) -> Batch:
    """Look around, and claim in one transaction, over all queues, up to `most` for each consumer, or BATCH. The claims that it returns are
    committed, and the caller sends them."""
    ticker = ticker or Ticker()
    found = bool(ticker.backlog) or _look_around(db, ticker)
    queues = lines.serve(db, ticker)
    return _claim(db, ticker, queues, most=most).batch if found or queues else Batch()


def _look_around(db: Database, ticker: Ticker, *, everywhere: bool = False) -> bool:
    """Find consumers with something to claim, in the lanes that follow the last look, or in all of them: one round trip that
    locks nothing. Returns whether any was not known."""
    ticker.looks_again = False
    after, most = (consumers.FIRST_LANE, ALL_LANES) if everywhere else (ticker.lane, consumers.MOST_LANES)
    with db.single() as tx:
        seen = consumers.look_around(tx, DISPATCHED_KINDS, since=ticker.looked_at, after=after, most=most)
    ticker.looked_at = max(ticker.looked_at, seen.now - _LATE_COMMIT)
    ticker.lane = ticker.lane if everywhere else seen.next
    ticker.limited = seen.has_limits
    known = len(ticker.backlog)
    ticker.remember(seen.pairs)
    return len(ticker.backlog) > known


def _claim(db: Database, ticker: Ticker, queues: Collection[UUID] = (), *, most: int | None = None) -> Round:
    """One transaction of claims for consumers of `queues`, and for those that are known to have something to claim."""
    fleet, turn, most = ticker.fleet, ticker.next_consumers(), most or BATCH
    with db.begin() as tx:
        besides = fleet.statements() if fleet else []
        locked, answers = consumers.lock(
            tx, DISPATCHED_KINDS, most, queues=queues, known=turn, sent=True, besides=besides
        )
        pairs = [one.opening.pair for one in locked]
        others = set(turn).difference(pairs)
        room = fleet.room(answers, compete=len(locked) + len(others) > 1) if fleet else None
        open_ = [one for one in locked if _slots(one, room)]
        if not open_:
            _remember(ticker, pairs, others, [])
            return Round(has_room=room is None or not room.is_full())
        reach(Point.CONSUMERS_LOCKED)
        now = max(one.now for one in open_)
        batch, idle = (
            _claim_first(tx, ticker, open_[0], room, now)
            if len(locked) == 1 and not locked[0].limited and not (fleet and others)
            else _claim_planned(tx, ticker, [one for one in locked if one.opening.slots], others, room, now)
        )
        reach(Point.CLAIM_WRITTEN)
    ticker.positions.advance(batch.reached, now)
    _remember(ticker, pairs, others, idle)
    reach(Point.CLAIM_COMMITTED, batch.claimed)
    waiting = ticker.backlog.keys() - {*turn, *pairs}
    more = batch.picked >= most or batch.looks_again or (bool(batch.claimed) and bool(waiting))
    group_of = {one.opening.agent_id: one.opening.group for one in locked}
    busy = set(pairs).difference(idle)
    return Round(batch, not more, room is None or not room.is_full(), group_of, busy)


def _remember(ticker: Ticker, locked: Sequence[Pair], others: Collection[Pair], idle: Sequence[Pair]) -> None:
    """Those that were locked have something to claim, unless nothing was found. Others are served by another tick, or gone."""
    ticker.remember(locked)
    ticker.miss(others)
    ticker.forget(idle)


def _claim_first(tx: Tx, ticker: Ticker, held: Held, room: Room | None, now: datetime) -> tuple[Batch, Sequence[Pair]]:
    """Claim for the only consumer: there is nothing to plan."""
    opening = replace(held.opening, slots=_slots(held, room))
    batch = transitions.claim_first(tx, replace(held, opening=opening), now, ticker.positions.positions)
    if room and ticker.fleet:
        room.take(opening.pair, opening.group, batch.picked)
        seconds = batch.picked * room.seconds(opening.pair)
        ticker.fleet.shares.charge_alone(opening.pair, seconds, opening.weight)
    return batch, [] if batch.picked else [opening.pair]


def _claim_planned(
    tx: Tx, ticker: Ticker, held: Sequence[Held], others: Collection[Pair], room: Room | None, now: datetime
) -> tuple[Batch, Sequence[Pair]]:
    """Claim for several consumers, among which the plan divides what they share. One whose runs do not fit now is among them:
    the others must not take the room that it waits for. `others` want their share too, and cannot be served now."""
    after: Mapping[Probe, Position] = ticker.positions.positions
    probes = [probe for one in held for probe in one.probes()]
    limits = admission.limits_of(tx, held)
    looks_past = ticker.parked_many or admission.looks_past(limits)
    found = candidates.first(tx, probes, now, admission.PAST if looks_past else _most_of_a_queue(held, room), after)
    shares = ticker.fleet.shares if ticker.fleet else None
    done = admission.claim(tx, held, found, now, limits, room, shares, others)
    if room and shares and len(held) + len(others) > 1:
        _follow(shares, room, held, done.claimed)
    ticker.limited = ticker.limited or bool(limits)
    ticker.parked_many = done.parked >= BATCH // 2
    lines = {(one.queue_id, one.agent_id) for one in found}
    idle = [
        one.opening.pair
        for one in held
        if one.opening.pair not in lines and not (one.opening.trigger and (one.opening.queue_id, None) in lines)
    ]
    claimed = [(pick.agent_id, message) for pick, message in done.claimed]
    return Batch(claimed, len(done.picks), {} if done.skipped else reached(done.picks), done.looks_again), idle


def _follow(shares: Shares, room: Room, held: Sequence[Held], claimed: Sequence[tuple[Pick, RunMessage]]) -> None:
    """Let the consumers be charged with what these runs take, once that is known."""
    runs: dict[Pair, list[RunMessage]] = defaultdict(list)
    for pick, message in claimed:
        runs[pick.candidate.queue_id, pick.agent_id].append(message)
    for opening in (one.opening for one in held):
        if given := runs.get(opening.pair):
            shares.follow(opening.pair, given, room.seconds(opening.pair), opening.weight)


def _slots(held: Held, room: Room | None) -> int:
    """The consumer's free slots, and no more than workers have room for."""
    opening = held.opening
    return min(opening.slots, room.runs_that_fit(opening.pair, opening.group)) if room else opening.slots


def _most_of_a_queue(held: Sequence[Held], room: Room | None) -> int:
    """How many cases the consumers of one queue could take together at most, and one more: it shows who still waits."""
    slots: Counter[UUID] = Counter()
    for one in held:
        slots[one.opening.queue_id] += _slots(one, room)
    return max(slots.values()) + 1
