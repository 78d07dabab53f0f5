"""Calling an agent without a database: for what it raises and returns."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from casework import Run
from casework.agents import HeldCase
from casework.agents.decorator import Agent
from casework.agents.results import Result
from casework.agents.run import History
from casework.agents.runners.python import PythonRunner
from casework.agents.stop import Stop
from casework.core.model import Priority

NOBODY = UUID(int=1)


def a_run(stop: Stop) -> Run:
    """The first attempt of a run that can record nothing."""
    case = HeldCase(NOBODY, NOBODY, "a case", "", Priority.NONE, (), datetime.now(UTC))
    return Run(id=NOBODY, attempt=1, agent_name="a", case=case, history=History(), backend=None, stop=stop)


def call(agent: Agent, stop: Stop | None = None) -> Result:
    stop = stop or Stop()
    return PythonRunner(agent).call(a_run(stop), stop)


def call_aside(agent: Agent, stop: Stop | None = None) -> Future[Result]:
    """Call it in a thread of its own, as a worker does."""
    pool = ThreadPoolExecutor(1)
    result = pool.submit(call, agent, stop)
    pool.shutdown(wait=False)
    return result
