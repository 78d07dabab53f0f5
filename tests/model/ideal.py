"""What casework should do, in plain Python over dictionaries.

It is typed from the design's words and derived from nothing in the package: a mistake in the lifecycle's table or in
the SQL that is made from it shows as a difference.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ideal_limits import Limits

LEASE, GRACE, RESEND = timedelta(seconds=30), timedelta(seconds=10), timedelta(seconds=15)
MAX_ATTEMPTS, RETRY_BASE, BATCH = 3, 1.0, 200
LIVE = ("pending", "running", "waiting")
HOLDS_SLOT = ("pending", "running")
UNCHANGED: Any = object()


@dataclass(eq=False)
class Case:
    """A work item; `run` is the run that it is bound to."""

    id: UUID
    queue: UUID
    priority: int
    ready: datetime
    title: str
    status: str = "pending"
    assigned: UUID | None = None
    run: "Run | None" = None
    handed_over: bool = False
    request: UUID | None = None
    postponed_to: datetime | None = None
    customer: str | None = None

    @property
    def order(self) -> tuple[int, datetime, UUID]:
        """The place in the pick-up order."""
        lane = 0 if self.run else 1 if self.status == "postponed" else 4 - self.priority
        return lane, self.ready, self.id


@dataclass(eq=False)
class Run:
    """One agent's work on a case, which is None once it was deleted."""

    id: UUID
    case: Case | None
    queue: UUID
    agent: UUID
    max_attempts: int
    sent: datetime
    status: str = "pending"
    attempt: int = 1
    failures: int = 0
    sends: int = 1
    worker: str | None = None
    alive: datetime | None = None
    deadline: datetime | None = None
    releases: bool = False
    refused: int = 0
    said: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)

    @property
    def bound(self) -> bool:
        """Whether its case is tied to it."""
        return self.case is not None and self.case.run is self


class Ideal:
    """The whole state, and each command as the design has it. `log` collects the history that a step should write."""

    def __init__(self, now: datetime, max_attempts: dict[UUID, int | None]) -> None:
        self.now = now
        self.max_attempts = max_attempts
        self.modes: dict[UUID, str] = {}
        self.consumers: dict[tuple[UUID, UUID], tuple[bool, int | None]] = {}
        self.cases: dict[UUID, Case] = {}
        self.runs: dict[UUID, Run] = {}
        self.requests: dict[UUID, tuple[UUID, str]] = {}
        self.limits = Limits(self)
        self.groups: dict[UUID, str] = {}
        self.log: list[tuple[UUID, str]] = []

    def note(self, case: Case | None, event: str) -> None:
        """A line of history, if the case still exists."""
        if case is not None:
            self.log.append((case.id, event))

    def create(
        self, queue: UUID, ids: list[UUID], priority: int, wait: timedelta = timedelta(), customer: str | None = None
    ) -> None:
        """Accept cases, which are ready after that time."""
        for id in ids:
            status = "postponed" if wait else "pending"
            self.cases[id] = Case(id, queue, priority, self.now + wait, "case", status, customer=customer)
            self.note(self.cases[id], "created")

    # What people do.

    def interrupt(self, case: Case) -> tuple[list[UUID], datetime | None]:
        """Ask the live runs of a case to stop, or end them if no worker executes them. Returns until when one may go on."""
        runs = [run for run in self.runs.values() if run.case is case and run.status in LIVE]
        for run in runs:
            run.status = "running" if run.status == "running" else "interrupted"
            run.deadline, run.releases = run.deadline or self.now + GRACE, False
        return [run.id for run in runs], max((run.deadline for run in runs if run.status == "running"), default=None)

    def override(self, case: Case, event: str, status: str, assigned: UUID | None = UNCHANGED) -> list[UUID]:
        """Take a case from whoever has it. Its ready moment is when its old run is gone."""
        stopped, until = self.interrupt(case)
        if case.request:
            self.requests[case.request] = (case.id, "cancelled")
            self.note(case, "input_cancelled")
        case.status, case.run, case.request, case.handed_over, case.ready = status, None, None, False, until or self.now
        case.assigned = case.assigned if assigned is UNCHANGED else assigned
        self.note(case, event)
        return stopped

    def postpone(self, case: Case, wait: timedelta) -> list[UUID]:
        """A person sets a case aside. It is ready when that time is over and its old run is gone."""
        stopped = self.override(case, "postponed", "postponed")
        case.postponed_to = self.now + wait
        case.ready = max(case.ready, case.postponed_to)
        return stopped

    def delete(self, case: Case) -> list[UUID]:
        """The case goes; its runs stay, without it."""
        stopped, _ = self.interrupt(case)
        for run in self.runs.values():
            run.case = None if run.case is case else run.case
        self.requests = {id: request for id, request in self.requests.items() if request[0] != case.id}
        del self.cases[case.id]
        return stopped

    def answer(self, id: UUID) -> str:
        """The run of an open request goes on; says what the request was."""
        case_id, was = self.requests.get(id, (None, "gone"))
        if was == "open":
            case = self.cases[case_id]
            self.requests[id] = (case_id, "answered")
            case.status, case.request, case.ready = "pending", None, self.now
            self.note(case, "input_received")
        return was

    def remove_consumer(self, queue: UUID, agent: UUID) -> list[UUID]:
        """Whatever the agent has, or alone may have, goes back to everybody; what others decided stays."""
        del self.consumers[queue, agent]
        stopped = []
        for case in [case for case in self.cases.values() if case.queue == queue]:
            alone = (case.run.agent if case.run else case.assigned) == agent
            if alone and case.status not in ("completed", "failed"):
                event = "delegated" if case.status == "pending" else "retried"
                stopped += self.override(case, event, "pending", None)
        return stopped

    def ask_to_release(self, runs: list[Run], grace: timedelta) -> list[UUID]:
        """Running runs that nobody asked to stop are asked to give their cases back."""
        asked = [run for run in runs if run.status == "running" and run.deadline is None]
        for run in asked:
            run.deadline, run.releases = self.now + grace, True
        return [run.id for run in asked]

    # What the tick does.

    def holding(self, queue: UUID, agent: UUID, statuses: tuple[str, ...] = HOLDS_SLOT) -> int:
        """How many runs of a consumer have one of these statuses."""
        return sum(r.status in statuses for r in self.runs.values() if (r.queue, r.agent) == (queue, agent))

    def free(self, queue: UUID, agent: UUID) -> int:
        """How many runs a consumer may begin now."""
        limit = self.consumers[queue, agent][1]
        return BATCH if limit is None else max(0, min(BATCH, limit - self.holding(queue, agent)))

    def blocked(self, case: Case) -> bool:
        """Whether a run that lost the case has not stopped yet."""
        return any(run.case is case and run.status in LIVE and not run.bound for run in self.runs.values())

    def ready(self, case: Case) -> bool:
        """Whether the case could be picked up now, by whomever."""
        modes = ("active", "draining") if case.run else ("active",)
        return case.status in ("pending", "postponed") and case.ready <= self.now and self.modes[case.queue] in modes

    def may_take(self, case: Case, agent: UUID) -> bool:
        """Whether that agent may take that case now."""
        if (case.queue, agent) not in self.consumers or not self.ready(case) or self.blocked(case):
            return False
        only = case.run.agent if case.run else case.assigned
        return only == agent or (only is None and self.consumers[case.queue, agent][0])

    def claim(self, case: Case, agent: UUID, run_id: UUID) -> Run:
        """That agent gets that case: a new run, or the next attempt of the one that is bound."""
        run, resumed = case.run, case.run is not None
        if run is None:
            run = Run(run_id, case, case.queue, agent, self.max_attempts[agent] or MAX_ATTEMPTS, self.now)
        else:
            run.status, run.attempt, run.sent, run.sends = "pending", run.attempt + 1, self.now, 1
        self.note(case, "resumed" if resumed else "handover" if case.handed_over else "claimed")
        case.status, case.run, case.handed_over = "claimed", run, False
        self.runs[run.id] = run
        self.limits.let_through(run)
        return run

    def sweep(self) -> tuple[int, int, list[tuple[UUID, int]]]:
        """How many runs were lost, how many were fenced out, and what is sent again."""
        brought_on = [self.bring_on(run) for run in sorted(self.runs.values(), key=lambda run: run.id)]
        again = [run for run in self.runs.values() if self.unsent(run)]
        for run in again:
            run.sent, run.sends = self.now, run.sends + 1
            self.note(run.case, "resent")
        return brought_on.count("lost"), brought_on.count("overdue"), [(run.id, run.attempt) for run in again]

    def bring_on(self, run: Run) -> str:
        """Resume a silent run, or end it if it was asked to stop, or fence out an overdue one. Returns which."""
        if run.status == "running" and run.deadline and run.deadline <= self.now:
            return "overdue" if self.give_back(run, run.attempt) else ""
        if run.status != "running" or run.alive > self.now - LEASE:
            return ""
        if run.bound:
            # MAX_ATTEMPTS permits no wait that is longer than the silence was.
            self.fail_attempt(run, 0.0)
            return "lost"
        return "lost" if self.stopped(run, run.attempt) else ""

    def unsent(self, run: Run) -> bool:
        """Whether the message of an unstarted run is to be sent again."""
        return run.status == "pending" and run.sent <= self.now - RESEND * 2 ** (run.sends - 1)

    # What runs do.

    def start(self, run_id: UUID, attempt: int, worker: str) -> bool:
        """A message arrives; only the first one of a pending attempt starts it."""
        run = self.runs[run_id]
        if (run.status, run.attempt) != ("pending", attempt):
            return False
        run.status, run.alive, run.worker = "running", self.now, worker
        return True

    def holds(self, run: Run, attempt: int) -> bool:
        """Whether that attempt may write."""
        return run.bound and run.case.status == "claimed" and run.attempt == attempt

    def refuse(self, run: Run) -> None:
        """A late write leaves a trace and nothing else."""
        run.refused += 1
        self.note(run.case, "write_refused")

    def end(self, run: Run, status: str, run_status: str, event: str, ready: datetime | None = None) -> str:
        """A run's outcome, and its name; the case stays bound while the run waits. A request to stop ends with the attempt."""
        case = run.case
        case.status, case.ready = status, ready or case.ready
        case.run = run if run_status == "waiting" else None
        run.status = run_status
        if run_status == "waiting":
            run.alive, run.deadline, run.releases = None, None, False
        self.note(case, event)
        return event

    def fail_attempt(self, run: Run, wait: float) -> str:
        """Another attempt after that many seconds, or none if they are used up."""
        run.failures += 1
        if run.failures >= run.max_attempts:
            return self.end(run, "failed", "failed", "failed")
        return self.end(run, "pending", "waiting", "attempt_failed", self.now + timedelta(seconds=wait))

    def stopped(self, run: Run, attempt: int) -> bool:
        """A run whose case was taken has stopped: its case need not wait for it any longer."""
        if (run.status, run.attempt) != ("running", attempt) or run.deadline is None or run.releases:
            return False
        run.status = "interrupted"
        if run.case and run.case.run is None and run.case.ready == run.deadline:
            waits = run.case.postponed_to if run.case.status == "postponed" else None
            run.case.ready = max(self.now, waits or self.now)
        self.note(run.case, "interrupted")
        return True

    def give_back(self, run: Run, attempt: int) -> bool:
        """A run ends without an outcome: stopped if its case was taken, else released at no cost."""
        if self.stopped(run, attempt):
            return True
        if not self.holds(run, attempt):
            return False
        self.end(run, "pending", "waiting", "released", self.now)
        return True
