"""Processes that die while they claim, sweep, work or write an outcome."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dying import dying_at
from hypothesis import strategies as st
from hypothesis.stateful import rule
from lives import Lives, results
from world import SETTINGS, World, doing, one, picks, workers

from casework.agents.results import Result
from casework.service import dispatch
from casework.service.crash_points import Point
from casework.store.stuck import Stuck
from factories import work

CLAIMING = [Point.CONSUMERS_LOCKED, Point.CLAIM_WRITTEN, Point.CLAIM_COMMITTED]
SWEEPING = [Point.STUCK_FOUND, Point.STUCK_BROUGHT_ON, Point.RESEND_COMMITTED]
WORKING = [Point.RUN_STARTED, Point.AGENT_RETURNED]
SETTLING = [Point.OUTCOME_WRITTEN, Point.OUTCOME_COMMITTED]
assert {*CLAIMING, *SWEEPING, *WORKING, *SETTLING} == set(Point)


class Deaths(Lives):
    """Lives of cases among processes that die."""

    @rule(
        what=st.one_of(
            doing("die_while_claiming", point=st.sampled_from(CLAIMING)),
            doing("die_while_sweeping", point=st.sampled_from(SWEEPING)),
            doing("die_with_a_run", pick=picks, worker=workers, point=st.sampled_from(WORKING)),
            doing("die_with_an_outcome", pick=picks, result=results, point=st.sampled_from(SETTLING)),
        )
    )
    def a_death(self, what) -> None:
        self.do(what)

    @contextmanager
    def dying_at(self, point: Point) -> Iterator[list[Any]]:
        """As `dying_at`, and note that it happened."""
        with dying_at(point) as last:
            yield last
        World.seen.update(last[:1])

    def die_while_claiming(self, point: Point) -> None:
        """What was not committed is undone; what was is not sent."""
        before = len(self.messages)
        claimed = []
        with self.dying_at(point) as last:
            claimed = dispatch.claim_round(self.db).claimed
        self.adopt_moves()
        claimed = last[1] if point is Point.CLAIM_COMMITTED and last else claimed
        if claimed or not last:
            self.check_claims([message for _, message in claimed], whole=False)
            del self.messages[before:]

    def die_while_sweeping(self, point: Point) -> None:
        """Each stuck run is recovered by itself."""
        if point is Point.STUCK_BROUGHT_ON:
            self.time_passes(30.0)
        with self.dying_at(point) as last:
            self.sweep()
        if not last or point is Point.STUCK_FOUND:
            return
        if point is Point.STUCK_BROUGHT_ON:
            self.ideal.bring_on(self.ideal.runs[last[1]])
            return
        lost, overdue, again = self.ideal.sweep()
        assert last[1] == Counter({Stuck.LOST: lost, Stuck.OVERDUE: overdue, Stuck.UNSENT: len(again)})
        sent = [(message.run_id, message.attempt) for parcel in last[2] for message in parcel.runs]
        assert sorted(sent) == sorted(again)

    def die_with_a_run(self, pick: int, worker: str, point: Point) -> None:
        """The run is running, and nobody is at it."""
        if not self.unstarted():
            return
        message = one(self.unstarted(), pick)
        with self.dying_at(point) as last:
            work(self.db, message, SETTINGS, worker=worker)
        assert last
        assert self.ideal.start(message.run_id, message.attempt, worker)

    def die_with_an_outcome(self, pick: int, result: Result, point: Point) -> None:
        """The outcome is written as a whole, or not at all; and the process does not come back."""
        if not self.running():
            return
        hand = one(self.running(), pick)
        with self.dying_at(point) as last:
            self.end_as(hand, result)
        if last and point is Point.OUTCOME_COMMITTED:
            self.check_end(hand, result, last[1])
        self.hands.remove(hand)
