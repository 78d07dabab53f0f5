"""What people do to an installation at work."""

import random
from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import TypeVar

from casework.core.effects import Committed
from casework.core.model import DEFAULT_TEAM, QueueMode
from casework.errors import Unavailable
from casework.service import queues
from chaos.ground import Ground

AWAY_SECONDS = 2.0

T = TypeVar("T")


def _surely(ground: Ground, act: Callable[[], Committed[T]]) -> None:
    """Do it, again if it was undone for another change."""
    while True:
        with suppress(Unavailable):
            ground.casework.perform(act())
            return


def delete_queue(ground: Ground, chance: random.Random) -> None:
    """The queue deleted with its cases, while another one takes its place."""
    casework, old = ground.casework, ground.queue
    ground.ledger.deleted_queues.add(str(old.id))
    ground.open_queue()
    _surely(ground, lambda: queues.delete(casework.db, casework.settings, DEFAULT_TEAM, old.id))


def remove_consumer(ground: Ground, chance: random.Random) -> None:
    """A consumer removed, and connected again after 2 s."""
    casework, queue = ground.casework, ground.queue
    name = _next(ground)
    agent = ground.agents[name]
    _surely(ground, lambda: queues.remove_consumer(casework.db, casework.settings, DEFAULT_TEAM, queue.id, agent))
    sleep(AWAY_SECONDS)
    _surely(ground, lambda: ground.connect_agent(name))


def delete_agent(ground: Ground, chance: random.Random) -> None:
    """An agent deleted, and another one connected in its place after 2 s."""
    casework = ground.casework
    name = _next(ground)
    agent = ground.agents[name]
    _surely(ground, lambda: queues.delete_agent(casework.db, casework.settings, DEFAULT_TEAM, agent))
    sleep(AWAY_SECONDS)
    ground.make_agent(name)
    _surely(ground, lambda: ground.connect_agent(name))


def _next(ground: Ground) -> str:
    """The agent that works on everything, and the one that works on what it is chosen for, in turn."""
    names = list(ground.agents)
    return names[next(ground.turns) % len(names)]


def pause_queue(ground: Ground, chance: random.Random) -> None:
    """The queue paused for 2 s."""
    _set_mode(ground, QueueMode.PAUSED)
    sleep(AWAY_SECONDS)
    _set_mode(ground, QueueMode.ACTIVE)


def drain_queue(ground: Ground, chance: random.Random) -> None:
    """The queue drained for 2 s, its runs released."""
    casework = ground.casework
    _set_mode(ground, QueueMode.DRAINING)
    _surely(ground, lambda: queues.release_live_runs(casework.db, casework.settings, DEFAULT_TEAM, ground.queue.id))
    sleep(AWAY_SECONDS)
    _set_mode(ground, QueueMode.ACTIVE)


def _set_mode(ground: Ground, mode: QueueMode) -> None:
    _surely(ground, lambda: queues.set_mode(ground.casework.db, DEFAULT_TEAM, ground.queue.id, mode))
