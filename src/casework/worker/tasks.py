"""What workers are sent."""

from typing import Any

from casework.broker.envelope import RUN_TASK, TICK_TASK
from casework.worker.app import app
from casework.worker.messages import read_bundle
from casework.worker.process import this_process
from casework.worker.request import Unacknowledged


@app.task(name=RUN_TASK, Request=Unacknowledged, typing=False)  # type: ignore[untyped-decorator]
def run(runs: Any = None, ahead: Any = False, *_: Any, **__: Any) -> None:
    """Execute one attempt of each run."""
    if bundle := read_bundle(runs):
        this_process().execute(bundle, ahead=ahead is True)


@app.task(name=TICK_TASK, Request=Unacknowledged, typing=False)  # type: ignore[untyped-decorator]
def tick(*_: Any, **__: Any) -> None:
    """Look for work in all queues."""
    this_process().tick()
