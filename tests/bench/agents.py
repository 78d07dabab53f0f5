"""The agents that are measured: they do nothing, or wait."""

import asyncio
import os
import time

from casework import Complete, Outcome, Run, agent


@agent
def noop(run: Run) -> Outcome:
    return Complete()


@agent
def started(run: Run) -> Outcome:
    """Records the age of its case for the benchmark."""
    with open(os.environ["BENCH_LOG"], "a") as log:
        log.write(f"{time.time() - run.case.data['at']}\n")
    return Complete()


@agent
async def waits(run: Run) -> Outcome:
    await asyncio.sleep(run.case.data["seconds"])
    return Complete()
