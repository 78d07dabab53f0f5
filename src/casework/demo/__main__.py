"""`python -m casework.demo`, which `casework up --demo` starts: sets up queues and agents, and adds cases for a while."""

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from threading import Event
from time import monotonic

from casework.core.model import NewCase, Queue
from casework.demo.invoices import invoices, troubled
from casework.demo.letters import asks_nothing, letters, refunds
from casework.errors import NameTaken, Unavailable
from casework.service import agents, cases, queues, requests
from casework.wiring import Casework, connect, when_available

SECONDS = 1800.0
"""How long cases keep coming."""

EVERY_SECONDS = 2.0
FIRST = 12
"""Cases of each queue at the beginning."""

MOST_WAITING = 30
"""While so many questions wait, only cases that ask nothing are added: nobody seems to look."""

_QUEUES = (
    ("refunds", "Orders to be paid back: a person agrees, or changes the amount", {"refund-desk": ("desk:refunds", 3)}),
    ("support mail", "Letters of customers, with drafts to approve", {"mail-desk": ("desk:mail", 4)}),
    (
        "invoices",
        "Invoices to pay, with an auditor for some",
        {"clerk": ("agents:clerk", 4), "auditor": ("agents:auditor", 2)},
    ),
)


def main() -> None:
    """Add cases until the time is over, and then wait to be stopped."""
    casework = when_available(lambda: connect(application="casework demo"))
    found = when_available(lambda: [_set_up(casework, *one) for one in _QUEUES])
    sources: list[Iterator[NewCase]] = [refunds(), letters(), itertools.chain(troubled(), itertools.cycle(invoices()))]
    for queue, source in zip(found, sources, strict=True):
        before = sum(queues.stats(casework.db, casework.team_id, queue.id).cases.values())
        # At another start, the story goes on.
        deque(itertools.islice(source, before), maxlen=0)
        if not before:
            _add(casework, queue, list(itertools.islice(source, FIRST)))
    end = monotonic() + SECONDS
    waiting = Event()
    for queue, source in itertools.cycle(zip(found, sources, strict=True)):
        waiting.wait(EVERY_SECONDS if monotonic() < end else None)
        with suppress(Unavailable):
            if len(requests.find(casework.db, casework.team_id, limit=MOST_WAITING)) < MOST_WAITING:
                _add(casework, queue, [next(source)])
            else:
                _add(casework, queue, [one for one in itertools.islice(source, 1) if asks_nothing(one)])


def _set_up(casework: Casework, name: str, description: str, workers: dict[str, tuple[str, int]]) -> Queue:
    with suppress(NameTaken):
        queues.create(casework.db, casework.team_id, name, description)
    queue = queues.get(casework.db, casework.team_id, name)
    for agent, (target, concurrency) in workers.items():
        with suppress(NameTaken):
            agents.create(casework.db, casework.settings, casework.team_id, agent, target=f"casework.demo.{target}")
        casework.perform(
            queues.set_consumer(
                casework.db, casework.team_id, queue.id, agent, trigger=agent != "auditor", concurrency=concurrency
            )
        )
    return queue


def _add(casework: Casework, queue: Queue, new: list[NewCase]) -> None:
    casework.perform(cases.create_all(casework.db, queue.id, new))


if __name__ == "__main__":
    main()
