"""Claims of a hundred under a limit for each customer: beside many cases of customers at their limit, and of many customers at once."""

from dataclasses import dataclass, field
from itertools import count
from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_most, compared
from bench.ground import Ground
from casework.agents.outcomes import Complete
from casework.agents.results import Returned
from casework.core.effects import RunMessage
from casework.core.model import NewCase, Queue
from casework.service import cases, limits
from casework.service.dispatch import claim_round
from casework.service.execution.attempt import start
from casework.service.execution.outcomes import finish
from casework.service.ticker import Ticker
from casework.wiring import Casework

AT_ONCE = 2
BLOCKED_CUSTOMERS = 1000
CLAIMS = 20

FREE, BLOCKED, MANY, UNLIMITED = "no customer at it", "customers at it", "many customers at once", "no limit"


@dataclass
class _Place:
    """A queue of which 100 cases are claimed and completed at a time; none of its limits is in their way."""

    casework: Casework
    queue: Queue
    ticker: Ticker = field(default_factory=Ticker)
    customers: "count[int]" = field(default_factory=count)

    def add(self, customers: list[str], each: int = 1) -> None:
        """Cases of these customers, in turn."""
        new = [NewCase("case", {"customer": customer}) for _ in range(each) for customer in customers]
        for first in range(0, len(new), 1000):
            cases.create(self.casework.db, self.queue.id, new[first : first + 1000])

    def claim(self) -> float:
        """Milliseconds. Each case is of a customer of its own."""
        self.add([f"free {next(self.customers)}" for _ in range(100)])
        return self.claim_waiting()

    def claim_waiting(self) -> float:
        """Milliseconds for a hundred of what waits."""
        self.ticker.positions.reset()
        begun = perf_counter()
        claimed = claim_round(self.casework.db, self.ticker).claimed
        spent = perf_counter() - begun
        assert len(claimed) >= 100, len(claimed)
        self._complete([message for _, message in claimed])
        return spent * 1000 * 100 / len(claimed)

    def block(self, total: int) -> None:
        """So many cases wait whose customers are at their limit."""
        names = [f"blocked {number}" for number in range(BLOCKED_CUSTOMERS)]
        self.add(names, AT_ONCE + total // BLOCKED_CUSTOMERS)
        claimed = 0
        while claimed < AT_ONCE * BLOCKED_CUSTOMERS:
            claimed += len(claim_round(self.casework.db, self.ticker).claimed)
        # Until no tick has anything to set aside.
        for _ in range(total // 100 + 2):
            claimed += len(claim_round(self.casework.db, self.ticker).claimed)
        assert claimed == AT_ONCE * BLOCKED_CUSTOMERS, claimed

    def _complete(self, messages: list[RunMessage]) -> None:
        casework = self.casework
        for message in messages:
            (one,) = start(casework.db, casework.settings, (message,), "bench")
            one.result = Returned(Complete())
            assert finish(casework.db, casework.settings, one) == "completed"


def measure(ground: Ground) -> list[Figure]:
    """Two runs of a customer at once; what is claimed is within its limit, and completes before the next claim."""
    blocked, customers = ground.size(100_000, 5000), ground.size(10_000, 1000)
    places = {name: _place(ground, name, limited=name != UNLIMITED) for name in (UNLIMITED, FREE, BLOCKED, MANY)}
    pieces = ground.size(CLAIMS, 4)
    ground.say(f"{blocked:,} cases of customers at their limit")
    places[BLOCKED].block(blocked)
    needed = ((ground.rounds + 1) * pieces + 4) * 100
    places[MANY].add([f"customer {number}" for number in range(customers)], -(-needed // customers))
    for name, place in places.items():
        for _ in range(4):
            place.claim_waiting() if name == MANY else place.claim()
    contenders = {name: place.claim_waiting if name == MANY else place.claim for name, place in places.items()}
    series = alternate(ground.rounds, contenders, ground.say, pieces, shuffled=True)
    return [
        compared(series, UNLIMITED, "ms"),
        compared(series, FREE, "ms", UNLIMITED, label="a limit, no customer at it"),
        compared(series, BLOCKED, "ms", FREE, at_most(1.3), f"a limit, {blocked:,} cases of customers at it"),
        compared(series, MANY, "ms", FREE, label=f"a limit, {customers:,} customers at once"),
    ]


def _place(ground: Ground, name: str, *, limited: bool) -> _Place:
    casework = ground.casework(f"limited_{name.replace(' ', '_')}")
    queue, _ = seed.worked_queue(casework)
    if limited:
        limits.put(casework.db, casework.team_id, queue=queue.id, key="data.customer", concurrency=AT_ONCE)
    return _Place(casework, queue)
