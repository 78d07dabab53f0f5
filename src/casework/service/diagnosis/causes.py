"""Why cases that are ready are not claimed, and runs that are claimed do not start: a table of causes, each looked for in
a queue's snapshot.

The first cause that applies is the first one to fix. A cause is trouble if it does not pass by itself: a queue at its
limit is fine as long as its slots are reused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from casework.core.capacity import Room, Worker
from casework.core.limits import in_words, scope_in_words
from casework.core.model import QueueMode
from casework.service.diagnosis.health import absence, lost_slots
from casework.settings import Settings
from casework.store.limit_states import LimitState
from casework.store.snapshot import ConsumerSnapshot, QueueSnapshot, Waiting
from casework.wording import command, counted


class Reason(StrEnum):
    """Why a case is not being worked on, as a code for programs."""

    ENDED = "ended"
    WAITING_FOR_ANSWER = "waiting_for_answer"
    RUNNING = "running"
    POSTPONED = "postponed"
    BACKING_OFF = "backing_off"
    OLD_RUN_STOPPING = "old_run_stopping"
    QUEUE_PAUSED = "queue_paused"
    NO_CONSUMER = "no_consumer"
    TRIGGER_OFF = "trigger_off"
    NO_TICKER = "no_ticker"
    NEXT_TICK = "next_tick"
    WAITING_FOR_AGENT = "waiting_for_agent"
    AGENT_AT_LIMIT = "agent_at_limit"
    AT_CONCURRENCY_LIMIT = "at_concurrency_limit"
    AT_LIMIT = "at_limit"
    NO_WORKER = "no_worker"
    NO_WORKER_IN_GROUP = "no_worker_in_group"
    NO_ABLE_WORKER = "no_able_worker"
    SLOTS_LOST = "slots_lost"
    WAITING_FOR_WORKER = "waiting_for_worker"


SOON = timedelta(seconds=10)
"""How long it takes at most, without trouble, until a ready case is claimed and a claimed run starts."""

HANGS = timedelta(minutes=5)
"""If all slots are in use and none was taken for this long, the runs hang or take long."""

_SENT_IN_VAIN = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause. `detail` continues a sentence about one or several cases: "..., but the queue is paused"."""

    reason: Reason
    detail: str
    is_trouble: bool = True
    until: datetime | None = None


@dataclass(frozen=True)
class Situation:
    """A queue at one moment, under the settings that say how much its consumers may take."""

    held: QueueSnapshot
    settings: Settings

    @property
    def consumers(self) -> list[ConsumerSnapshot]:
        return self.held.consumers

    def absence(self, role: str) -> str | None:
        """Why there seems to be no ticker or worker."""
        return absence(self.settings, role, self.held.seen.get(role), self.held.now)

    def has_lasted(self, since: datetime) -> bool:
        """Whether that is longer ago than it takes without trouble."""
        return self.held.now - since >= SOON

    def seconds(self, since: datetime) -> str:
        return f"{(self.held.now - since).total_seconds():.0f} s"

    def command(self, words: str, *names: str) -> str:
        """A command about the queue that can be pasted into a shell."""
        return f"`{command(*words.split(), self.held.queue.name, *names)}`"

    def takers(self, waiting: Waiting) -> list[ConsumerSnapshot]:
        """The consumers that may take the waiting cases."""
        if waiting.agent_id is None:
            return [one for one in self.consumers if one.trigger]
        return [one for one in self.consumers if one.agent_id == waiting.agent_id]

    def roomy(self, waiting: Waiting, *, asks: bool) -> list[ConsumerSnapshot]:
        """Those of them with a free slot that ask for work themselves, or, if `asks` is False, get it from ticks."""
        return [one for one in self.takers(waiting) if one.asks_for_work is asks and self._has_slot(one)]

    def _has_slot(self, consumer: ConsumerSnapshot) -> bool:
        within = self.is_within_limit(consumer)
        return within and (
            consumer.asks_for_work or self.room.fits((self.held.queue.id, consumer.agent_id), consumer.group)
        )

    @staticmethod
    def is_within_limit(consumer: ConsumerSnapshot) -> bool:
        """Whether the consumer may have one more run."""
        return consumer.concurrency is None or consumer.pending + consumer.running < consumer.concurrency

    @cached_property
    def room(self) -> Room:
        """What is left of the workers' slots. How long runs take is not known here, so each weighs a slot."""
        return Room(self.held.workers, self.held.loads, {}, self.settings.claim_ahead_seconds)

    def workers_of(self, consumer: ConsumerSnapshot) -> list[Worker]:
        """The workers of the group that the consumer's runs need."""
        return [one for one in self.held.workers if one.group == consumer.group]

    def took_nothing_for(self, consumers: Sequence[ConsumerSnapshot], time: timedelta) -> bool:
        """Whether none of them was given a case, or started one, for that long."""
        last = last_taken(consumers)
        return last is None or self.held.now - last >= time


def last_taken(consumers: Sequence[ConsumerSnapshot]) -> datetime | None:
    """When one of these was last given a case of the queue, or started one."""
    return max((one.taken_at for one in consumers if one.taken_at), default=None)


def _names(consumers: Sequence[ConsumerSnapshot]) -> str:
    return ", ".join(one.name for one in consumers)


def why_not_claimed(situation: Situation, waiting: Waiting) -> Cause:
    """Why ready cases are not claimed."""
    found = (look(situation, waiting) for look in CAUSES)
    return next(filter(None, found), None) or _full(situation, waiting)


def why_nobody_takes(situation: Situation, waiting: Waiting) -> Cause | None:
    """Why no agent would take the cases, however long they wait; None if one would."""
    return _not_active(situation, waiting) or _no_taker(situation, waiting)


def _former_run(situation: Situation, waiting: Waiting) -> Cause | None:
    if not waiting.blocked:
        return None
    detail = "a former run that was asked to stop has not stopped"
    lacking = situation.absence("ticker")
    return Cause(Reason.OLD_RUN_STOPPING, f"{detail}, and no tick ends it: {lacking}" if lacking else detail)


def _not_active(situation: Situation, waiting: Waiting) -> Cause | None:
    mode = situation.held.queue.mode
    if mode is QueueMode.ACTIVE or (mode is QueueMode.DRAINING and waiting.resumed):
        return None
    return Cause(Reason.QUEUE_PAUSED, f"the queue is {mode}: {situation.command('queues resume')}")


def _no_taker(situation: Situation, waiting: Waiting) -> Cause | None:
    if situation.takers(waiting):
        return None
    connect = "consumers set"
    if waiting.agent_name is not None:
        mending = situation.command(connect, waiting.agent_name)
        who = f"reserved for {waiting.agent_name}, which is not a consumer of the queue"
        return Cause(Reason.NO_CONSUMER, f"{who}: {mending}")
    if waiting.agent_id is not None:
        return Cause(Reason.NO_CONSUMER, "reserved for an agent that was deleted: `casework cases retry CASE`")
    if situation.consumers:
        switch = f"{situation.command('consumers set', situation.consumers[0].name, '--trigger', 'on')}"
        return Cause(Reason.TRIGGER_OFF, f"no consumer of the queue has its trigger on: {switch}")
    return Cause(Reason.NO_CONSUMER, f"the queue has no consumers: {situation.command(connect, 'AGENT')}")


def _no_able_worker(situation: Situation, waiting: Waiting) -> Cause | None:
    """Nothing is claimed without a ticker, nor for an agent that no worker can run."""
    takers = [one for one in situation.takers(waiting) if situation.is_within_limit(one)]
    if not takers or any(one.asks_for_work for one in takers):
        return None
    if lacking := situation.absence("ticker"):
        return Cause(Reason.NO_TICKER, lacking)
    return _lacking_workers(situation, takers)


def _lacking_workers(situation: Situation, consumers: Sequence[ConsumerSnapshot]) -> Cause | None:
    """Why no worker can run the first of these agents, if none can run any."""
    causes = [_lacking_worker(situation, one) for one in consumers]
    return causes[0] if all(causes) else None


def _lacking_worker(situation: Situation, consumer: ConsumerSnapshot) -> Cause | None:
    if not situation.held.workers:
        lacking = situation.absence("worker")
        lasts = situation.has_lasted(situation.held.seen.get("worker", situation.held.now))
        if situation.held.lost_slots:
            return Cause(Reason.SLOTS_LOST, lost_slots(situation.held.lost_slots))
        never = "worker" not in situation.held.seen
        return Cause(Reason.NO_WORKER, lacking or "the only worker is ending: start another one", lasts or never)
    workers = situation.workers_of(consumer)
    if not workers and consumer.group:
        start = f"`{command('worker', '--group', consumer.group)}`"
        detail = f"no worker serves the group {consumer.group}, which {consumer.name} needs: {start}"
        return Cause(Reason.NO_WORKER_IN_GROUP, detail)
    if not workers:
        return Cause(Reason.NO_WORKER, "all workers serve groups: `casework worker` starts one that serves the others")
    problems = [one.cannot_run.get(consumer.agent_id) for one in workers]
    if all(problems):
        return Cause(Reason.NO_ABLE_WORKER, f"no worker can run {consumer.name}: {problems[0]}".rstrip("."))
    return None


def _limited(situation: Situation, waiting: Waiting) -> Cause | None:
    """A limit that binds all who may take the cases."""
    takers = situation.takers(waiting)
    full = [one for one in situation.held.limits if one.is_full(situation.held.now)]
    for one in full:
        if one.agent_id is None or all(one.agent_id == taker.agent_id for taker in takers):
            return why_held_back(situation, one, takers)
    bound = {one.agent_id for one in full}
    return why_held_back(situation, full[0], takers) if full and bound.issuperset(t.agent_id for t in takers) else None


def why_held_back(situation: Situation, limit: LimitState, takers: Sequence[ConsumerSnapshot]) -> Cause | None:
    """Why a limit lets nobody through now; None if it would."""
    now, rate = situation.held.now, limit.bounds.rate
    if not limit.is_full(now):
        return None
    what = f"the limit of {in_words(limit.bounds)} {_scope(limit)}"
    if not limit.is_taken and rate:
        free = rate.next_at(limit.paid_until, now)
        return Cause(
            Reason.AT_LIMIT, f"{what} lets the next one start at {free.isoformat(timespec='seconds')}", False, free
        )
    more = limit.used - len(limit.holders)
    holders = ", ".join([*(f'"{title:.60}"' for title in limit.holders), *([f"{more} more"] if more else [])])
    hangs = situation.took_nothing_for(takers, HANGS)
    how_long = f", and none ended for long: {_running(situation)}" if hangs else ""
    return Cause(Reason.AT_LIMIT, f"{what} is reached by {holders}{how_long}", hangs)


def _scope(limit: LimitState) -> str:
    scope = scope_in_words(limit.agent_name, limit.queue_name)
    return f"of {scope} for {limit.key} {limit.value}" if limit.key else f"of {scope}"


def _not_claimed(situation: Situation, waiting: Waiting) -> Cause | None:
    """A queue moves as long as its cases are claimed, however long the last of them has to wait."""
    roomy = situation.roomy(waiting, asks=False)
    if not roomy:
        return None
    stands = situation.has_lasted(waiting.since) and situation.took_nothing_for(situation.takers(waiting), SOON)
    return Cause(Reason.NEXT_TICK, f"no tick claims anything for {_names(roomy)}, although there is room", stands)


def _not_asked(situation: Situation, waiting: Waiting) -> Cause | None:
    """A program that works on one case after the other asks for the next one when it is done."""
    roomy = situation.roomy(waiting, asks=True)
    if not roomy:
        return None
    stands = situation.has_lasted(waiting.since) and situation.took_nothing_for(situation.takers(waiting), HANGS)
    return Cause(Reason.WAITING_FOR_AGENT, f"{_names(roomy)} has room, and does not ask for work", stands)


CAUSES: tuple[Callable[[Situation, Waiting], Cause | None], ...] = (
    _former_run,
    _not_active,
    _no_taker,
    _no_able_worker,
    _limited,
    _not_claimed,
    _not_asked,
)
"""In order of precedence. If none applies, all consumers that may take the case are at their limits."""


def _full(situation: Situation, waiting: Waiting) -> Cause:
    takers = situation.takers(waiting)
    unstarted = why_not_started(situation, takers)
    if unstarted and unstarted.is_trouble:
        return unstarted
    if any(map(situation.is_within_limit, takers)):
        reason, detail = Reason.WAITING_FOR_WORKER, _busy_workers(situation)
    else:
        reason = Reason.AT_CONCURRENCY_LIMIT if waiting.agent_id is None else Reason.AGENT_AT_LIMIT
        detail = f"all slots of {_names(takers)} are in use"
    last = last_taken(takers)
    if last is None or situation.held.now - last < HANGS:
        return Cause(reason, detail, is_trouble=False)
    return Cause(reason, f"{detail}, and none was taken for {situation.seconds(last)}: {_running(situation)}")


def _busy_workers(situation: Situation) -> str:
    slots = counted(sum(one.slots for one in situation.held.workers), "slot")
    return f"all {slots} of {counted(len(situation.held.workers), 'worker')} are in use"


def why_not_started(situation: Situation, consumers: Sequence[ConsumerSnapshot]) -> Cause | None:
    """Why runs that were claimed for these consumers do not start; None if all have started."""
    since = unstarted_since(consumers)
    if since is None:
        return None
    executed = _executed_by_workers(consumers)
    lasts = situation.has_lasted(since)
    if lacking := situation.absence("worker"):
        return Cause(Reason.NO_WORKER, lacking, lasts)
    if situation.held.lost_slots:
        return Cause(Reason.SLOTS_LOST, lost_slots(situation.held.lost_slots), lasts)
    if lacking_worker := _lacking_workers(situation, [one for one in executed if one.pending]):
        return replace(lacking_worker, is_trouble=lasts)
    if any(one.running for one in executed):
        hangs = lasts and situation.took_nothing_for(executed, HANGS)
        return Cause(Reason.WAITING_FOR_WORKER, f"the runs that workers execute hang: {_running(situation)}", hangs)
    sends = max(one.sends for one in executed)
    groups = {one.group for one in executed}
    if any(load.worker and load.group in groups for load in situation.held.loads):
        detail = "the workers are busy with other queues; `casework worker` starts one more"
    else:
        detail = f"messages for claimed runs were sent {counted(sends, 'time')}: do the workers and the broker see each other?"
    return Cause(Reason.WAITING_FOR_WORKER, detail, lasts and sends >= _SENT_IN_VAIN)


def unstarted_since(consumers: Sequence[ConsumerSnapshot]) -> datetime | None:
    """When the first of their runs that have not started was claimed."""
    return min((one.pending_since for one in _executed_by_workers(consumers) if one.pending_since), default=None)


def _executed_by_workers(consumers: Sequence[ConsumerSnapshot]) -> list[ConsumerSnapshot]:
    return [one for one in consumers if not one.asks_for_work]


def _running(situation: Situation) -> str:
    return situation.command("runs list --status running --queue")
