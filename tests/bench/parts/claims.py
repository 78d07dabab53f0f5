"""A claim of a hundred, against the bare statement, as the backlog, the set-aside share and the past grow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg

from bench import raw_sql, seed
from bench.figures import Figure, alternate, at_most, compared
from bench.ground import Ground, raw
from casework.core.model import Agent, Queue
from casework.service import agents
from casework.service.dispatch import claim_round
from casework.service.ticker import Ticker
from casework.store import transitions
from casework.wiring import Casework

CLAIMS = 24
SMALL = 10_000


@dataclass
class _Place:
    """An installation with a backlog, claimed from by both sides in turn."""

    casework: Casework
    queue: Queue
    agent: Agent
    bare: psycopg.Connection[tuple[object, ...]]
    others: psycopg.Connection[tuple[object, ...]]
    """Whoever creates and ends the cases, which no claimer does: a server process that has just written the rows of
    a claim claims them in 2.9 ms, and any other in 3.5."""
    trail: Ticker = field(default_factory=Ticker)

    def product(self) -> float:
        """Milliseconds of the tick's claim: its transaction, its plan, and its statements."""
        return self._timed(lambda: len(claim_round(self.casework.db, self.trail, most=100).claimed))

    def statement(self) -> float:
        """Milliseconds of the statement that claims, within the tick's claim."""
        spent: list[float] = []
        claim = transitions.claim_first

        def timed(*values: Any) -> Any:
            begun = perf_counter()
            claimed = claim(*values)
            spent.append(perf_counter() - begun)
            return claimed

        with patch.object(transitions, "claim_first", timed):
            self.product()
        return spent[0] * 1000

    def complete(self, count: int) -> None:
        """Claim that many and end them, with a look from the front each second, as a ticker does it."""
        anew = monotonic()
        for _ in range(count // 100):
            claimed = claim_round(self.casework.db, self.trail, most=100).claimed
            assert len(claimed) == 100, len(claimed)
            seed.end(self.others, [message.run_id for _, message in claimed])
            if monotonic() > anew + 1:
                self.trail.positions.reset()
                anew = monotonic()

    def raw(self) -> float:
        """Milliseconds of the bare statement."""
        return self._timed(lambda: raw_sql.claim(self.bare, self.queue.id, self.agent.id))

    def _timed(self, claim: Callable[[], int]) -> float:
        begun = perf_counter()
        count = claim()
        spent = perf_counter() - begun
        assert count == 100, count
        seed.end_claimed(self.others)
        seed.add(self.others, self.queue.id, 1, count)
        return spent * 1000


def _place(ground: Ground, name: str, backlog: int, aside: int = 0) -> _Place:
    casework = ground.casework(name)
    queue, agent = seed.worked_queue(casework)
    seed.pending(casework, queue.id, backlog)
    if aside:
        seed.pending(casework, queue.id, aside, postponed=True)
        seed.pending(casework, queue.id, aside, assigned=_other(casework, queue))
    place = _Place(casework, queue, agent, raw(casework), raw(casework))
    for _ in range(8):
        place.product(), place.raw()
    return place


def _other(casework: Casework, queue: Queue) -> UUID:
    """An agent that is not there to take what is delegated to it."""
    agent = agents.create(casework.db, casework.settings, casework.team_id, "other", target="bench.agents:noop")
    return agent.id


def measure(ground: Ground) -> list[Figure]:
    """Every size in every round; then the past."""
    sizes = {"10 thousand": SMALL, "100 thousand": 100_000, "1 million": ground.size(1_000_000, 200_000)}
    if ground.large:
        sizes["10 million"] = 10_000_000
    places = {name: _place(ground, f"claims_{size}", size) for name, size in sizes.items()}
    aside = ground.size(100_000, 20_000)
    places["200 thousand set aside"] = _place(ground, "claims_aside", SMALL, aside)
    contenders: dict[str, Callable[[], float]] = {}
    for name, place in places.items():
        contenders |= {name: place.product, f"raw, {name}": place.raw}
    contenders["statement"] = places["10 thousand"].statement
    series = alternate(ground.rounds, contenders, ground.say, CLAIMS, shuffled=True)
    figures = [compared(series, name, "ms", f"raw, {name}", at_most(1.3)) for name in places]
    figures.append(
        compared(series, "statement", "ms", "raw, 10 thousand", at_most(1.3), "10 thousand, its statement alone")
    )
    figures += [
        compared(series, name, "ms", "10 thousand", at_most(1.3))
        for name in places
        if name not in ("10 thousand", "100 thousand")
    ]
    return figures + _past(ground, places["10 thousand"], places["1 million"])


def _past(ground: Ground, fresh: _Place, place: _Place) -> list[Figure]:
    """A million completed with autovacuum on, and then a snapshot held open while more are completed."""
    done = ground.size(1_000_000, 100_000)
    held = ground.size(500_000, 5_000)
    seed.pending(place.casework, place.queue.id, done + held)
    ground.say(f"completing {done:,} cases")
    place.complete(done)
    after = alternate(ground.rounds, {"now": place.product, "fresh": fresh.product}, ground.say, CLAIMS)
    with psycopg.connect(place.casework.settings.database_url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from queues")
        ground.say(f"completing {held:,} more cases under an open snapshot")
        place.complete(held)
        under = alternate(
            ground.rounds, {"now": place.product, "fresh": fresh.product, "raw": place.raw}, ground.say, CLAIMS
        )
    return [
        compared(after, "now", "ms", "fresh", at_most(2), label=f"after {done:,} completed"),
        compared(under, "now", "ms", "fresh", at_most(3), label=f"an open snapshot over {held:,} completed"),
        compared(under, "raw", "ms", label="raw, which passes all of them"),
    ]
