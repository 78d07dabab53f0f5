"""Finding what got stuck: runs whose worker fell silent, stops that are overdue, messages that were lost, and requests
to people whose time is over."""

import random
from collections import Counter
from datetime import timedelta
from time import monotonic

from casework import events
from casework.core.effects import Committed, Effects, Parcel
from casework.core.lifecycle import CaseStatus, Event
from casework.core.model import CounterName, RunId
from casework.core.retry import next_attempt
from casework.service import expiry, overrides
from casework.service.crash_points import Point, reach
from casework.service.ticker import Ticker
from casework.settings import Settings
from casework.store import cases as case_store
from casework.store import counters, processes, requests, runs, transitions
from casework.store.database import Database
from casework.store.stuck import Stuck, StuckRun

Swept = Counter[Stuck]


MOST_DUE = 200
"""Requests that one sweep brings on; the rest is for the next one."""

LISTENING_HEARTBEATS = 3
"""A worker's silence counts once the ticker has listened for that many heartbeats: when the database comes back, the
heartbeats of live runs come back with it, and the sweep must not be faster."""


def sweep(db: Database, settings: Settings, ticker: Ticker | None = None, *, sends: bool = True) -> Committed[Swept]:
    """Bring stuck runs on. Each is looked at again under its lock, so that a late heartbeat or stop wins.

    `ticker` remembers until when it need not look at all runs. If it has a name, it sweeps all the time; otherwise silence is
    believed as it is found. `sends` says whether the broker takes messages: each one that is sent again makes the wait for the
    next longer.
    """
    ticker = ticker or Ticker()
    believes = True
    # In one round trip, because an idle tick does little else.
    with db.single() as tx:
        now = tx.fixed_now.timestamp() if tx.fixed_now else monotonic()
        looking = ticker.lookout.looking(
            now, lease=settings.lease_seconds, resend=settings.resend_seconds, timeout=settings.run_timeout_seconds
        )
        if ticker.name:
            noting = processes.seen_statement(ticker.name, "ticker", _gap(settings))
            seen, rows, due = tx.together(noting, looking, requests.due_statement(MOST_DUE))
            believes = seen.scalar_one() >= LISTENING_HEARTBEATS * timedelta(seconds=settings.heartbeat)
        else:
            rows, due = tx.together(looking, requests.due_statement(MOST_DUE))
    found, requested = ticker.lookout.found(now, rows), requests.due(due)
    reach(Point.STUCK_FOUND)
    swept: Swept = Counter()
    stops: list[RunId] = []
    for run in found:
        if run.why is Stuck.LOST and believes and _without_its_worker(db, settings, run):
            swept[Stuck.LOST] += 1
            events.emit(events.RunLost(run.fence.run_id, run.fence.attempt, run.worker))
        elif run.why is Stuck.OVERDUE and _fence_out(db, run):
            swept[Stuck.OVERDUE] += 1
            events.emit(events.RunFencedOut(run.fence.run_id, run.fence.attempt, run.worker))
        elif run.why is Stuck.TIMED_OUT and (asked := _time_out(db, settings, run)):
            swept[Stuck.TIMED_OUT] += 1
            stops += asked
            events.emit(events.RunTimedOut(run.fence.run_id, run.fence.attempt, run.worker))
        else:
            continue
        reach(Point.STUCK_BROUGHT_ON, run.fence.run_id)
    unsent = [run for run in found if sends and run.why is Stuck.UNSENT]
    again = _send_again(db, unsent) if unsent else []
    swept[Stuck.UNSENT] += len(again)
    reach(Point.RESEND_COMMITTED, swept, again)
    nudge = bool(requested) and expiry.bring_on(db, requested)
    return Committed(swept, Effects(parcels=tuple(again), stops=tuple(stops), nudge=nudge))


def _gap(settings: Settings) -> timedelta:
    return timedelta(seconds=max(2 * settings.heartbeat, 3 * settings.tick_seconds))


def _without_its_worker(db: Database, settings: Settings, run: StuckRun) -> bool:
    reason = f"worker {run.worker} fell silent for {settings.lease_seconds:g} s"
    return _end(db, settings, run, reason) if run.stops else _take_up_again(db, settings, run, reason)


def _end(db: Database, settings: Settings, run: StuckRun, reason: str) -> bool:
    """Nobody is there to stop it, so what was asked for does not wait for the rest of the grace."""
    silence = timedelta(seconds=settings.lease_seconds)
    with db.begin() as tx:
        ended = transitions.stopped(tx, run.fence.run_id, run.fence.attempt, reason, silence=silence)
        if ended:
            counters.add(tx, run.queue_id, CounterName.RUN_LOST)
    return ended


def _take_up_again(db: Database, settings: Settings, run: StuckRun, reason: str) -> bool:
    """Another attempt, whose wait began with the silence: mostly it is over by now."""
    following = next_attempt(
        run.failures,
        run.max_attempts or settings.max_attempts,
        settings.retry_base_seconds,
        random.random(),  # noqa: S311 - jitter is no secret
        passed=settings.lease_seconds,
    )
    with db.begin() as tx:
        if not runs.lock_if_silent(tx, run.fence, tx.now, settings.lease_seconds):
            return False
        taken = (
            transitions.try_again(tx, run.fence, following.seconds, reason, None)
            if following
            else transitions.give_up(tx, run.fence, f"{reason}, in attempt after attempt", None)
        )
        if taken:
            counters.add(tx, run.queue_id, CounterName.RUN_LOST)
    return taken


def _fence_out(db: Database, run: StuckRun) -> bool:
    reason = f"did not stop within {run.grace:g} s"
    with db.begin() as tx:
        ended = (
            transitions.release(tx, run.fence, reason)
            if run.releases
            else transitions.stopped(tx, run.fence.run_id, run.fence.attempt, reason)
        )
        if ended:
            counters.add(tx, run.queue_id, CounterName.FORCED_INTERRUPT)
    return ended


def _time_out(db: Database, settings: Settings, run: StuckRun) -> list[RunId]:
    """Its case fails now. The run is asked to stop, has the grace, and is fenced out then as any other that does not."""
    with db.begin() as tx:
        held = [row for row in case_store.lock(tx, [run.fence.case_id]) if row.run_id == run.fence.run_id]
        held = [row for row in held if row.attempt == run.fence.attempt]
        reason = f"ran longer than its limit of {run.timeout:g} s"
        done = overrides.override_within(tx, settings, Event.STOP, CaseStatus.FAILED, held, reason=reason)
    return done.interrupted


def _send_again(db: Database, unsent: list[StuckRun]) -> list[Parcel]:
    with db.begin() as tx:
        again = runs.mark_sent(tx, unsent, tx.now)
    events.emit(events.RunsResent(len(again)))
    return again
