"""What people and operators do, to casework and to the model."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from ideal import GRACE, LIVE, Case
from world import SETTINGS, World, doing, numbers, one, picks, several, workers

from casework.core.lifecycle import CaseStatus
from casework.core.limits import Rate
from casework.core.model import NewCase, Priority, QueueMode, RequestKind
from casework.errors import AlreadyAnswered, Conflict, NotAConsumer
from casework.service import agents, cases, limits, queues, release, requests, runs
from casework.service.overrides import CasesChanged
from factories import TEAM

MOST_CASES = 12


class People(World):
    """Each step does something for real, does it to the model, and compares what both say came of it."""

    @initialize(limits=st.lists(st.sampled_from([None, 1, 2]), min_size=3, max_size=3), count=st.integers(1, 3))
    def begin(self, limits: list[int | None], count: int) -> None:
        self.set_consumer(0, 0, True, limits[0])
        self.set_consumer(0, 1, True, limits[1])
        self.set_consumer(1, 1, True, limits[2])
        self.create(0, count, Priority.NONE)

    @precondition(lambda self: len(self.ideal.cases) < MOST_CASES)
    @rule(
        queue=numbers,
        count=st.integers(1, 3),
        priority=st.sampled_from(Priority),
        later=st.sampled_from([0.0, 5.0]),
        customer=st.sampled_from([None, "a", "b"]),
    )
    def create(
        self, queue: int, count: int, priority: Priority, later: float = 0.0, customer: str | None = None
    ) -> None:
        queue_id, wait = self.queues[queue].id, timedelta(seconds=later)
        new = NewCase("case", {"customer": customer}, priority=priority, ready_at=wait)
        done = cases.create(self.db, queue_id, [new] * count)
        assert len(done.value) == count
        self.ideal.create(queue_id, done.value, priority.rank, wait, customer)

    @precondition(lambda self: self.ideal.cases)
    @rule(
        what=st.one_of(
            doing("retry", chosen=several),
            doing("delegate", chosen=several, agent=st.integers(0, 2)),
            doing("postpone", chosen=several, seconds=st.sampled_from([1.0, 5.0, 60.0])),
            doing("settle", chosen=several, status=st.sampled_from([CaseStatus.COMPLETED, CaseStatus.FAILED])),
            doing("delete", chosen=several),
            doing("stop_run", pick=picks),
        )
    )
    def a_person(self, what) -> None:
        self.do(what)

    @precondition(lambda self: any(case.status == "needs_input" for case in self.ideal.cases.values()))
    @rule()
    def a_person_retries_instead_of_answering(self) -> None:
        """Of all that people do at random, too little meets a case that waits for one."""
        waiting = next(n for n, case in enumerate(self.ideal.cases.values()) if case.status == "needs_input")
        self.retry([waiting])

    def retry(self, chosen: list[int]) -> None:
        queue, known, ids = self.chosen(chosen)
        done = cases.retry(self.db, SETTINGS, queue, ids).value
        moving = [case for case in known if case.status != "pending"]
        self.check(
            done, moving, ids, [run for case in moving for run in self.ideal.override(case, "retried", "pending", None)]
        )

    def delegate(self, chosen: list[int], agent: int) -> None:
        queue, known, ids = self.chosen(chosen)
        to = self.agents[agent].id
        try:
            done = cases.delegate(self.db, SETTINGS, queue, ids, to).value
        except NotAConsumer:
            assert (queue, to) not in self.ideal.consumers
            return
        assert (queue, to) in self.ideal.consumers
        self.check(
            done, known, ids, [run for case in known for run in self.ideal.override(case, "delegated", "pending", to)]
        )

    def postpone(self, chosen: list[int], seconds: float) -> None:
        queue, known, ids = self.chosen(chosen)
        wait = timedelta(seconds=seconds)
        done = cases.postpone(self.db, SETTINGS, queue, ids, wait).value
        moving = [case for case in known if case.status in ("pending", "postponed")]
        self.check(done, moving, ids, [run for case in moving for run in self.ideal.postpone(case, wait)])

    def settle(self, chosen: list[int], status: CaseStatus) -> None:
        queue, known, ids = self.chosen(chosen)
        done = cases.settle(self.db, SETTINGS, queue, ids, status).value
        moving = [case for case in known if case.status != status]
        self.check(
            done, moving, ids, [run for case in moving for run in self.ideal.override(case, "settled", str(status))]
        )

    def delete(self, chosen: list[int]) -> None:
        queue, known, ids = self.chosen(chosen)
        done = cases.delete(self.db, SETTINGS, queue, ids).value
        self.check(done, known, ids, [run for case in known for run in self.ideal.delete(case)])
        self.deleted += [case.id for case in known]

    def check(self, done: CasesChanged, moving: list[Case], ids: list[UUID], stopped: list[UUID]) -> None:
        """What the action says that it did is what it did."""
        assert sorted(done.moved) == sorted(case.id for case in moving)
        assert done.skipped == len(ids) - len(moving)
        assert sorted(done.interrupted) == sorted(stopped)

    def stop_run(self, pick: int) -> None:
        if not self.ideal.runs:
            return
        run = one(self.ideal.runs.values(), pick)
        stoppable = run.bound and run.case.status in ("claimed", "needs_input")
        try:
            done = runs.stop(self.db, SETTINGS, TEAM, run.id)
        except Conflict:
            assert not stoppable
            assert run.bound or run.status not in LIVE
            return
        assert stoppable or (run.status in LIVE and not run.bound)
        stopped = self.ideal.override(run.case, "stopped", "failed") if stoppable else []
        assert list(done.effects.stops) == stopped

    @precondition(lambda self: self.ideal.requests)
    @rule(pick=picks)
    def answer(self, pick: int) -> None:
        id = one([id for id, (_, was) in self.ideal.requests.items() if was == "open"] or self.ideal.requests, pick)
        was = self.ideal.answer(id)
        try:
            if requests.get(self.db, TEAM, id).kind is RequestKind.QUESTION:
                requests.answer(self.db, TEAM, id, "yes")
            else:
                requests.decide(self.db, TEAM, id, True)
        except AlreadyAnswered:
            assert was in ("answered", "cancelled")
        else:
            assert was == "open"

    @rule(
        what=st.one_of(
            doing("set_mode", queue=numbers, mode=st.sampled_from(QueueMode)),
            doing("set_mode", queue=numbers, mode=st.just(QueueMode.ACTIVE)),
            doing(
                "set_consumer",
                queue=numbers,
                agent=st.integers(0, 2),
                trigger=st.booleans(),
                concurrency=st.sampled_from([None, 1, 2, 3]),
                weight=st.sampled_from([0.5, 1.0, 7.0]),
            ),
            doing("set_group", agent=st.integers(0, 2), group=st.sampled_from(["", "", "gpu"])),
            doing(
                "put_limit",
                scope=st.sampled_from([(0, None), (1, None), (0, 1), (None, 0), (None, 1)]),
                keyed=st.booleans(),
                at_once=st.sampled_from([None, 1, 2]),
                pause=st.sampled_from([None, None, 5.0]),
            ),
            doing("delete_limit", pick=picks),
            doing("remove_consumer", pick=picks),
            doing("release_live_runs", queue=numbers),
            doing("ask_worker_to_release", worker=workers, grace=st.sampled_from([2.0, 40.0])),
            doing("release_all_of", worker=workers),
        )
    )
    def an_operator(self, what) -> None:
        self.do(what)

    def set_mode(self, queue: int, mode: QueueMode) -> None:
        queues.set_mode(self.db, TEAM, self.queues[queue].id, mode)
        self.ideal.modes[self.queues[queue].id] = str(mode)

    def set_consumer(self, queue: int, agent: int, trigger: bool, concurrency: int | None, weight: float = 1.0) -> None:
        pair = self.queues[queue].id, self.agents[agent].id
        queues.set_consumer(self.db, TEAM, *pair, trigger=trigger, concurrency=concurrency, weight=weight)
        self.ideal.consumers[pair] = (trigger, concurrency)

    def set_group(self, agent: int, group: str) -> None:
        agents.update(self.db, SETTINGS, TEAM, self.agents[agent].id, group=group)
        self.ideal.groups[self.agents[agent].id] = group

    def put_limit(
        self, scope: tuple[int | None, int | None], keyed: bool, at_once: int | None, pause: float | None
    ) -> None:
        if at_once is None and pause is None:
            return
        queue = None if scope[0] is None else self.queues[scope[0]].id
        agent = None if scope[1] is None else self.agents[scope[1]].id
        limits.put(
            self.db,
            TEAM,
            queue=queue,
            agent=agent,
            key="data.customer" if keyed else None,
            concurrency=at_once,
            rate=Rate(1, pause) if pause else None,
        )
        self.ideal.limits.put(queue, agent, keyed, at_once, pause and timedelta(seconds=pause))
        self.limited = True

    def delete_limit(self, pick: int) -> None:
        if self.ideal.limits:
            scope = one(self.ideal.limits.of, pick)
            found = {(each.queue_id, each.agent_id, each.key is not None): each for each in limits.find(self.db, TEAM)}
            assert set(found) == set(self.ideal.limits.of)
            limits.delete(self.db, TEAM, found[scope].id)
            del self.ideal.limits.of[scope]
            self.adopt_moves()

    def adopt_moves(self) -> None:
        """A case that was let out of the line of a limit is ready now, and not when it was before."""
        for row in self.tx.sql("select id, ready_at from cases"):
            case = self.ideal.cases[row.id]
            if row.ready_at != case.ready and self.limited:
                assert case.ready < row.ready_at == self.clock.now
                case.ready = row.ready_at

    def remove_consumer(self, pick: int) -> None:
        if self.ideal.consumers:
            pair = one(self.ideal.consumers, pick)
            done = queues.remove_consumer(self.db, SETTINGS, TEAM, *pair)
            assert sorted(done.value) == sorted(self.ideal.remove_consumer(*pair))

    def release_live_runs(self, queue: int) -> None:
        queue_id = self.queues[queue].id
        done = queues.release_live_runs(self.db, SETTINGS, TEAM, queue_id)
        mine = [run for run in self.ideal.runs.values() if run.queue == queue_id]
        unstarted = [run for run in mine if run.status == "pending" and self.ideal.give_back(run, run.attempt)]
        asked = self.ideal.ask_to_release(mine, GRACE)
        assert done.value == len(unstarted) + len(asked)
        assert sorted(done.effects.stops) == sorted(asked)

    def ask_worker_to_release(self, worker: str, grace: float) -> None:
        done = release.ask_to_release(self.db, worker, grace)
        mine = [run for run in self.ideal.runs.values() if run.worker == worker]
        assert sorted(done.effects.stops) == sorted(self.ideal.ask_to_release(mine, timedelta(seconds=grace)))

    def release_all_of(self, worker: str) -> None:
        done = release.release_all(self.db, worker)
        mine = [run for run in self.ideal.runs.values() if (run.worker, run.status) == (worker, "running") and run.case]
        assert done.value == sum(self.ideal.give_back(run, run.attempt) for run in mine)
