"""Dispatch alone: cases claimed, committed and published by one ticker, each in a message of its own, against the rate of a `delay` loop."""

from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_least, compared
from bench.ground import Ground, raw
from bench.peers import celery_app
from casework.core.effects import Effects, Parcel
from casework.service.dispatch import claim_round

PIECES = 30


def measure(ground: Ground) -> list[Figure]:
    """Pieces of a hundred; what was claimed ends before the next piece, unmeasured."""
    casework = ground.casework("dispatch")
    queue, _ = seed.worked_queue(casework)
    seed.pending(casework, queue.id, (ground.rounds * PIECES + 1) * 100)
    connection = raw(casework)
    pieces = ground.size(PIECES, 5)
    celery_app.app.conf.broker_url = ground.redis("celery")

    def dispatched() -> float:
        begun = perf_counter()
        claimed = claim_round(casework.db, most=100).claimed
        casework.effects(Effects(parcels=tuple(Parcel((message,)) for _, message in claimed)))
        spent = perf_counter() - begun
        assert len(claimed) == 100
        seed.end_claimed(connection)
        return len(claimed) / spent

    def delayed() -> float:
        begun = perf_counter()
        for _ in range(20):
            celery_app.noop.delay(False)
        return 20 / (perf_counter() - begun)

    series = alternate(ground.rounds, {"dispatch": dispatched, "delay": delayed}, ground.say, pieces)
    return [
        compared(series, "dispatch", "cases/s", "delay", at_least(3), label="claimed, committed and published"),
        compared(series, "delay", "messages/s", label="a delay loop"),
    ]
