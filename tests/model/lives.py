"""What ticks, workers and runs do, to casework and to the model.

A worker that dies is one of which nothing is heard any more: time goes on without its heartbeat. A lost message is one
that nobody starts, a doubled one is started again, and a zombie is an attempt that writes after it is over.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from ideal import RETRY_BASE, Case, Run
from people import People
from world import SETTINGS, doing, one, picks, several, some_of, workers

from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.results import Asked, Crashed, Lost, Result, Returned, Stopped
from casework.agents.stop import Suspended
from casework.core.effects import RunMessage
from casework.core.model import NewCase, RequestKind
from casework.core.requests import Placed, Request
from casework.core.unset import UNSET
from casework.errors import RunLost
from casework.service import cases, dispatch, lines, sweep
from casework.service.execution import attempt, outcomes
from casework.service.execution.attempt import Attempt
from casework.service.run_backend import RunBackend
from casework.service.ticker import Fleet, Ticker
from casework.store import processes
from casework.store import runs as run_store
from casework.store.stuck import Stuck
from factories import TEAM, an_attempt, finish

writes = st.sampled_from(["say", "step", "update", "add_cases"])

results = st.sampled_from(
    [
        Returned(Complete()),
        Returned(Fail("no")),
        Returned(Postpone(timedelta(seconds=2))),
        Returned(Postpone(timedelta(seconds=40))),
        Returned(HandOver("quick")),
        Returned(HandOver("other")),
        Asked(Suspended(Placed(Request(title="q")))),
        Asked(Suspended(Placed(Request(kind=RequestKind.APPROVAL, title="a")))),
        Crashed("broken", "traceback", False),
        Crashed("away", None, True),
        Crashed("away again", None, True),
        Stopped(),
        Lost(),
    ]
)


class Lives(People):
    """Random lives of cases."""

    @rule(workers_count=st.booleans())
    def claim(self, workers_count: bool = False) -> None:
        """All that can be claimed now: what a limit lets out of its line is claimed by another round. If workers count, there is
        one with room for everything, and none that serves a group."""
        ticker, messages, rounds = self.a_ticker(workers_count), [], 0
        while rounds < (40 if self.limited else 1):
            if self.limited:
                lines.serve(self.db, ticker, sweeping=True)
            claimed = [message for _, message in dispatch.claim_round(self.db, ticker).claimed]
            messages += claimed
            rounds += 1
            if not claimed and rounds > 3:
                break
        self.adopt_moves()
        self.check_claims(messages, workers_count)

    def a_ticker(self, workers_count: bool) -> Ticker:
        if not workers_count:
            return Ticker(limited=True)
        with self.db.begin() as tx:
            processes.seen(tx, "w", "worker", timedelta(minutes=1), processes.Report(slots=1000))
        return Ticker(fleet=Fleet(SETTINGS), limited=True)

    @rule(worker=workers)
    def claim_and_start(self, worker: str) -> None:
        """What mostly happens: nothing is lost, and a worker is there."""
        self.claim()
        for message in self.unstarted():
            self.receive(message, worker)

    def check_claims(self, messages: list[RunMessage], workers_count: bool = False, whole: bool = True) -> None:
        """Each case goes to an agent with room that may take it, none is passed over, and none stays without need: with limits,
        none that they would let through, once the rounds are `whole`."""
        ideal, taken = self.ideal, self.claimed(messages) if messages else []
        got = {case.id for case, _, _ in taken}
        assert len(got) == len(taken)
        # A case whose old run was not swept yet may keep others out of this round; the sweep comes before the claims.
        waits = {case.queue for case in ideal.cases.values() if ideal.ready(case) and ideal.blocked(case)}
        asked_for = Counter((case.queue, agent) for case, agent, _ in taken)
        left_behind = []
        for queue, agent in ideal.consumers:
            may = [case for case in ideal.cases.values() if case.queue == queue and ideal.may_take(case, agent)]
            mine = [case for case, by, _ in taken if case.queue == queue and by == agent]
            free = ideal.free(queue, agent) - asked_for.pop((queue, agent), 0)
            assert free >= 0
            assert all(case in may for case in mine)
            last = max((case.order for case in mine), default=None)
            served = not (workers_count and ideal.groups.get(agent))
            assert served or not mine
            left = [case for case in may if case.id not in got and (free or (last and case.order < last))]
            if self.limited:
                left_behind += [(case, agent) for case in left if served and free and whole and queue not in waits]
            else:
                assert not left or queue in waits or not served
        assert not asked_for
        for case, agent, message in taken:
            assert ideal.claim(case, agent, message.run_id).attempt == message.attempt
            self.messages.append(message)
        assert all(ideal.limits.hold_back(case, agent) for case, agent in left_behind)

    def claimed(self, messages: list[RunMessage]) -> list[tuple[Case, UUID, RunMessage]]:
        """Which case each message is about, and whose it is; in the order of the cases, which the claim does not keep."""
        rows = self.tx.sql(
            "select id, case_id, agent_id from runs where id = any(%(ids)s)", {"ids": [one.run_id for one in messages]}
        )
        about = {row.id: (self.ideal.cases[row.case_id], row.agent_id) for row in rows}
        return sorted(((*about[one.run_id], one) for one in messages), key=lambda claimed: claimed[0].id)

    @rule()
    def sweep(self) -> None:
        done = sweep.sweep(self.db, SETTINGS)
        lost, overdue, again = self.ideal.sweep()
        assert done.value == Counter({Stuck.LOST: lost, Stuck.OVERDUE: overdue, Stuck.UNSENT: len(again)})
        assert sorted((message.run_id, message.attempt) for message in done.effects.runs) == sorted(again)

    @rule(seconds=st.sampled_from([0.4, 1.0, 2.5, 9.9, 10.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.ideal.now = self.clock.now

    @precondition(lambda self: self.unstarted())
    @rule(pick=picks, worker=workers)
    def start(self, pick: int, worker: str) -> None:
        self.receive(one(self.unstarted(), pick), worker)

    @precondition(lambda self: self.messages)
    @rule(pick=picks, worker=workers)
    def start_late_or_twice(self, pick: int, worker: str) -> None:
        self.receive(one(self.messages, pick), worker)

    def receive(self, message: RunMessage, worker: str) -> None:
        """A worker gets a message."""
        started = an_attempt(self.db, message, worker, SETTINGS)
        assert (started is not None) == self.ideal.start(message.run_id, message.attempt, worker)
        if started:
            self.hands.append(started)

    @precondition(lambda self: self.messages)
    @rule(chosen=several, worker=workers)
    def start_together(self, chosen: list[int], worker: str) -> None:
        """A message that several runs share, among them perhaps some that were started before."""
        messages = some_of(self.messages, chosen)
        started = attempt.start(self.db, SETTINGS, tuple(messages), worker)
        mine = [one for one in messages if self.ideal.start(one.run_id, one.attempt, worker)]
        assert [one.message for one in started] == sorted(mine, key=lambda one: one.run_id)
        self.hands += started

    def completed(self, hand: Attempt) -> Attempt:
        """The attempt, now that its agent has returned."""
        now = monotonic()
        return replace(hand, result=Returned(Complete()), began=now, ended=now)

    @precondition(lambda self: self.hands)
    @rule(chosen=several)
    def complete_together(self, chosen: list[int]) -> None:
        """Some of them may be over."""
        hands = some_of(self.hands, chosen)
        results = outcomes.finish_all(self.db, SETTINGS, [self.completed(hand) for hand in hands])
        for hand, result in zip(hands, results, strict=True):
            self.check_end(hand, Returned(Complete()), result)

    @precondition(lambda self: self.hands and self.messages)
    @rule(hand=picks, message=picks, worker=workers)
    def complete_and_start(self, hand: int, message: int, worker: str) -> None:
        """Either may be over."""
        done, after = one(self.hands, hand), one(self.messages, message)
        if done.fence.run_id >= after.run_id:
            return
        held, started = outcomes.finish_and_start(self.db, SETTINGS, self.completed(done), after, worker)
        if held:
            self.check_end(done, Returned(Complete()), "completed")
        else:
            assert not self.ideal.holds(self.ideal.runs[done.fence.run_id], done.fence.attempt)
        assert (started is not None) == self.ideal.start(after.run_id, after.attempt, worker)
        if started:
            self.hands.append(started)

    @precondition(lambda self: self.hands)
    @rule(chosen=several)
    def heartbeat(self, chosen: list[int]) -> None:
        hands = some_of(self.hands, chosen)
        with self.db.begin() as tx:
            answer = run_store.heartbeat(tx, [hand.message for hand in hands])
        living = [self.ideal.runs[hand.fence.run_id] for hand in hands if self.executes(hand)]
        for run in living:
            run.alive = self.clock.now
        assert answer == {run.id: run.deadline is not None for run in living}

    @precondition(lambda self: self.running())
    @rule(pick=picks, write=writes, key=st.sampled_from("ab"))
    def write(self, pick: int, write: str, key: str) -> None:
        self.write_as(one(self.running(), pick), write, key)

    @precondition(lambda self: self.running())
    @rule(pick=picks, result=results)
    def outcome(self, pick: int, result: Result) -> None:
        self.end_as(one(self.running(), pick), result)

    outcome_too = outcome
    """The same rule once more: what ends runs is chosen twice as often."""

    @precondition(lambda self: self.late())
    @rule(
        what=st.one_of(
            doing("write_late", pick=picks, write=writes, key=st.sampled_from("ab")),
            doing("end_late", pick=picks, result=results),
        )
    )
    def a_zombie(self, what) -> None:
        self.do(what)

    def write_late(self, pick: int, write: str, key: str) -> None:
        self.write_as(one(self.late(), pick), write, key)

    def end_late(self, pick: int, result: Result) -> None:
        self.end_as(one(self.late(), pick), result)

    def write_as(self, hand: Attempt, write: str, key: str) -> None:
        """A run writes while it works."""
        run, queue = self.ideal.runs[hand.fence.run_id], hand.case.queue_id
        desk = RunBackend(self.db, hand.holder, lambda effects: None)
        held = self.ideal.holds(run, hand.fence.attempt)
        try:
            match write:
                case "say":
                    desk.say("text", {"text": key}, key)
                case "step":
                    desk.record_step(key, "1")
                case "update":
                    desk.update(key, UNSET)
                case _:
                    self.ideal.create(queue, desk.add_cases(None, [NewCase("case")], "added"), 0)
        except RunLost:
            assert not held
            self.ideal.refuse(run)
        else:
            assert held
            self.ideal_write(run, write, key)

    def ideal_write(self, run: Run, write: str, key: str) -> None:
        """The same, done to the model; new cases are there already."""
        match write:
            case "say":
                run.said.add(key)
            case "step":
                run.steps.add(key)
            case "update":
                run.case.title = key
                self.ideal.note(run.case, "updated")
            case _:
                run.steps.add("added")

    def end_as(self, hand: Attempt, result: Result) -> None:
        """A run's outcome, for real and in the model."""
        self.check_end(hand, result, finish(self.db, hand, result, SETTINGS))

    def check_end(self, hand: Attempt, result: Result, done: str) -> None:
        """What settling said came of it is what comes of it in the model."""
        run, attempt = self.ideal.runs[hand.fence.run_id], hand.fence.attempt
        if isinstance(result, Lost | Stopped):
            assert done == ("interrupted" if self.ideal.give_back(run, attempt) else "lost")
        elif self.ideal.holds(run, attempt):
            assert done == self.ideal_result(run, run.case, result)
        else:
            assert done == "refused"
            self.ideal.refuse(run)
            self.ideal.stopped(run, attempt)

    def ideal_result(self, run: Run, case: Case, result: Result) -> str:
        """What the result of a run that holds its case does to the model."""
        match result:
            case Returned(outcome):
                return self.ideal_outcome(run, case, outcome)
            case Asked():
                case.request = cases.get(self.db, TEAM, case.id)[0].pending_human_request_id
                assert case.request not in self.ideal.requests
                self.ideal.requests[case.request] = (case.id, "open")
                return self.ideal.end(run, "needs_input", "waiting", "needs_input")
            case Crashed(transient=True):
                longest = RETRY_BASE * 4.0**run.failures
                done = self.ideal.fail_attempt(run, longest)
                self.accept_jitter(case, longest)
                return done
        return self.ideal.end(run, "failed", "failed", "failed")

    def ideal_outcome(self, run: Run, case: Case, outcome: Outcome) -> str:
        """What a returned outcome does to the model."""
        match outcome:
            case Complete():
                return self.ideal.end(run, "completed", "completed", "completed")
            case Postpone(until):
                return self.ideal.end(run, "postponed", "completed", "postponed", self.clock.now + until)
            case HandOver(name):
                target = next(agent.id for agent in self.agents if agent.name == name)
                if (run.queue, target) in self.ideal.consumers:
                    case.assigned, case.handed_over = target, True
                    return self.ideal.end(run, "pending", "completed", "handed_over", self.clock.now)
        return self.ideal.end(run, "failed", "failed", "failed")

    def accept_jitter(self, case: Case, longest: float) -> None:
        """The wait between attempts is random within its bounds; the model takes it over."""
        if case.status == "pending":
            with self.db.begin() as tx:
                ready = tx.sql("select ready_at from cases where id = %(id)s", {"id": case.id}).scalar_one()
            assert longest * 0.75 <= (ready - self.clock.now).total_seconds() <= longest
            case.ready = ready
