"""Releases the runs of a worker that shuts down, so that other workers take them at once."""

from datetime import timedelta

from casework.core.effects import Committed, Effects
from casework.store import runs, transitions
from casework.store.database import Database, Tx
from casework.store.transitions import Fence


def give_back(tx: Tx, fence: Fence, reason: str = "released as asked") -> bool:
    """End a run that stopped: release it for another worker, or interrupt it if its case was taken. False if it has
    ended. The release comes first, because it waits for a person who is taking the case; the second statement then sees
    that.
    """
    return transitions.release(tx, fence, reason) or transitions.stopped(
        tx, fence.run_id, fence.attempt, "stopped as asked"
    )


def count_running(db: Database, worker: str) -> int:
    """How many runs a worker executes."""
    with db.begin() as tx:
        return len(runs.running_of(tx, worker))


def ask_to_release(db: Database, worker: str, grace: float) -> Committed[int]:
    """Ask the runs of a worker to stop within `grace` seconds and release their cases."""
    with db.begin() as tx:
        asked = transitions.ask_to_release(tx, timedelta(seconds=grace), worker=worker)
    return Committed(len(asked), Effects(stops=tuple(asked)))


def release_all(db: Database, worker: str) -> Committed[int]:
    """Release what a worker still executes. Called when none of its runs can go on."""
    released = 0
    with db.begin() as tx:
        held = runs.running_of(tx, worker)
    for fence in held:
        with db.begin() as tx:
            released += give_back(tx, fence)
    return Committed(released, Effects(nudge=released > 0))
