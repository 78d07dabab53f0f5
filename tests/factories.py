"""What tests begin with, as plain functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from casework.agents.results import Result
from casework.agents.stop import Stop
from casework.core.capacity import Pair
from casework.core.effects import Effects, RunMessage
from casework.core.model import DEFAULT_TEAM, DISPATCHED_KINDS, Agent, Case, CaseId, NewCase, Priority, Queue, RunRecord
from casework.service import agents, cases, dispatch, queues, runs
from casework.service.execution import attempt, outcomes
from casework.service.execution.attempt import Attempt, RunResult
from casework.service.execution.executor import Executor
from casework.service.ticker import Ticker
from casework.settings import Settings
from casework.store import consumers
from casework.store.consumers import Held
from casework.store.database import Database
from casework.store.transitions import Fence

TEAM = DEFAULT_TEAM
SETTINGS = Settings(agent_modules="sample_agents")


def a_queue(db: Database, name: str = "inbox") -> Queue:
    return queues.create(db, TEAM, name)


def an_agent(db: Database, name: str = "worker", target: str = "sample_agents:completes", **options: Any) -> Agent:
    return agents.create(db, SETTINGS, TEAM, name, target=target, **options)


def a_consumer(
    db: Database, queue: Queue, agent: Agent, *, trigger: bool = True, concurrency: int | None = None
) -> None:
    queues.set_consumer(db, TEAM, queue.id, agent.id, trigger=trigger, concurrency=concurrency)


def worked_queue(
    db: Database, target: str = "sample_agents:completes", *, concurrency: int | None = None
) -> tuple[Queue, Agent]:
    """A queue with one consumer."""
    queue, agent = a_queue(db), an_agent(db, target=target)
    a_consumer(db, queue, agent, concurrency=concurrency)
    return queue, agent


def some_cases(
    db: Database, queue: Queue, count: int = 1, *, priority: Priority = Priority.NONE, data: Any = ""
) -> list[CaseId]:
    new = [NewCase(f"case {number}", data, priority=priority) for number in range(count)]
    return [id for start in range(0, count, 1000) for id in cases.create(db, queue.id, new[start : start + 1000]).value]


def the_case(db: Database, case_id: CaseId) -> Case:
    return cases.get(db, TEAM, case_id)[0]


def history(db: Database, case_id: CaseId) -> list[str]:
    return [event.type for event in cases.get(db, TEAM, case_id)[1]]


def the_run(db: Database, message: RunMessage) -> RunRecord:
    return runs.get(db, TEAM, message.run_id)


def claim(db: Database, _: object = None, *, ticker: Ticker | None = None) -> list[RunMessage]:
    """One round of claims."""
    return [message for _, message in dispatch.claim_round(db, ticker).claimed]


def start(db: Database, message: RunMessage, worker: str = "w") -> Fence:
    """Start a claimed run and return its fence."""
    started = an_attempt(db, message, worker)
    assert started is not None
    return started.fence


def an_attempt(db: Database, message: RunMessage, worker: str = "w", settings: Settings = SETTINGS) -> Attempt | None:
    """The attempt that a message starts, if it starts one."""
    return next(iter(attempt.start(db, settings, (message,), worker)), None)


def finish(db: Database, started: Attempt, result: Result, settings: Settings = SETTINGS) -> RunResult:
    """Write what the agent of a started run returned."""
    return outcomes.finish(db, settings, replace(started, result=result))


def running(db: Database, queue: Queue) -> tuple[CaseId, Fence]:
    """A new case of the queue whose run is being executed."""
    (case_id,) = some_cases(db, queue)
    message = next(one for one in claim(db))
    return case_id, start(db, message)


@dataclass
class Watching:
    """The part of heartbeats in a test."""

    stop: Stop = field(default_factory=Stop)

    def begin(self, message: RunMessage, stop: Stop) -> None:
        pass

    def end(self, message: RunMessage) -> None:
        pass


def work(
    db: Database,
    message: RunMessage,
    settings: Settings = SETTINGS,
    watch: Watching | None = None,
    worker: str = "w",
) -> str:
    """Execute one attempt in this process, and say what came of it."""
    executor = Executor(db, settings, worker=worker, watch=watch or Watching(), perform=_ignore)
    return executor.execute((message,)).value[0]


def _ignore(effects: Effects) -> None:
    pass


def work_all(db: Database, settings: Settings = SETTINGS) -> list[str]:
    """Claim and execute until nothing is ready."""
    done = []
    while messages := claim(db):
        done += [work(db, message, settings) for message in messages]
    return done


def locked(tx: Any, most: int = 100, known: Sequence[Pair] = ()) -> list[Held]:
    """The consumers of all queues that have something to claim, as a round of a tick locks them."""
    queues = [row.id for row in tx.sql("select id from queues")]
    return consumers.lock(tx, DISPATCHED_KINDS, most, queues=queues, known=known, sent=True)[0]
