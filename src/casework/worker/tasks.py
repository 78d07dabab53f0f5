"""What workers are sent."""

from uuid import UUID

from casework.broker.app import RUN_TASK, TICK_TASK
from casework.core.model import RunId, RunMessage
from casework.worker.app import app
from casework.worker.process import this_process
from casework.worker.request import Unacknowledged


@app.task(name=RUN_TASK, Request=Unacknowledged)  # type: ignore[untyped-decorator]
def run(runs: list[tuple[str, int]]) -> None:
    """Execute one attempt of each run."""
    this_process().execute(tuple(RunMessage(RunId(UUID(run_id)), attempt) for run_id, attempt in runs))


@app.task(name=TICK_TASK, Request=Unacknowledged)  # type: ignore[untyped-decorator]
def tick() -> None:
    """Look for work in all queues."""
    this_process().tick()
