"""The agents that are measured: they do nothing, or wait."""

import asyncio
import os
import time

from casework import Complete, Outcome, Run, agent


@agent
def noop(run: Run) -> Outcome:
    return Complete()


def _note_age(at: float) -> None:
    """Keeps for the benchmark how long ago a case was created."""
    with open(os.environ["BENCH_LOG"], "a") as log:
        log.write(f"{time.time() - at}\n")


@agent
def started(run: Run) -> Outcome:
    """Records the age of its case for the benchmark."""
    _note_age(run.case.data["at"])
    return Complete()


@agent
async def waits(run: Run) -> Outcome:
    await asyncio.sleep(run.case.data["seconds"])
    return Complete()


@agent
def started_if_stamped(run: Run) -> Outcome:
    """The same for those cases that bear a moment."""
    if at := run.case.data["at"]:
        _note_age(at)
    return Complete()


def _note(run: Run) -> None:
    """Keeps for the benchmark when the case's agent began."""
    with open(os.environ["BENCH_LOG"], "a") as log:
        log.write(f"{time.time()} {run.case.title}\n")


@agent
def works(run: Run) -> Outcome:
    """Holds its slot for as long as the case says."""
    _note(run)
    time.sleep(run.case.data["seconds"])
    return Complete()


@agent
def asks(run: Run) -> Outcome:
    run.ask("Shall it go on?")
    _note(run)
    return Complete()
