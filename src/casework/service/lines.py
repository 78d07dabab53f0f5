"""A tick serves the lines of limits: as many heads as may begin now go into the lanes, where consumers find them."""

from time import monotonic

from casework.core.model import QueueId
from casework.service.ticker import Ticker
from casework.store import parked
from casework.store.database import Database


def serve(db: Database, ticker: Ticker, *, sweeping: bool = False) -> frozenset[QueueId]:
    """Serve the lines that may let somebody through; returns the queues in which something may be claimed now.

    If a limit of an agent over all its queues lets somebody through, the ticker looks around for them instead. An
    installation without limits has none. With `sweeping`, lines are looked at in turn, in case one was left behind, and those that
    nobody needs are deleted.
    """
    if not ticker.limited:
        return frozenset()
    with db.begin() as tx:
        besides = parked.waiting(tx, ticker.line) if sweeping else []
        served = parked.serve(tx, besides)
        if sweeping:
            ticker.line = besides[-1] if len(besides) == parked.LOOKED_AT else parked.FIRST_LINE
            ticker.old_line = parked.clean(tx, ticker.old_line)
    ticker.looks_again = ticker.looks_again or served.freed
    ticker.wakes_at = monotonic() + served.wait if served.wait is not None else float("inf")
    return served.queues
