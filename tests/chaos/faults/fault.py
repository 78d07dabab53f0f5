"""What a fault is, and how long what follows from one may take."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from casework.broker import circuit_breaker
from chaos.ground import LEASE_SECONDS, TICK_SECONDS, Ground

NOTICING_SECONDS = 1.5
"""A heartbeat on its way and a tick at work at the moment of the fault, a run of the longest case, and this storm's looks."""

LOST_SECONDS = LEASE_SECONDS + 2 * TICK_SECONDS + NOTICING_SECONDS
"""The longest that a run waits whose worker is lost, and so whatever else is lost."""

STOPPING_SECONDS = 3.0
"""What a stopping worker gives its runs: to end, and then to be released."""

RETURN_SECONDS = 10.0
"""From the return of a server until all go on."""

AWAY_SECONDS = LEASE_SECONDS + 1.5

REFUSING_SECONDS = 3.0

SILENT_SECONDS = 3.0 + circuit_breaker.OPEN_SECONDS
"""As long as an answer of Redis is waited for, and it is left alone after that."""


@dataclass(frozen=True)
class Fault:
    """How it is done, and how long the recovery may take, which includes the fault's own length."""

    inject: Callable[[Ground, random.Random], float | None]
    """Returns when it began, if that took some preparing."""
    within: float = LOST_SECONDS
    starts: bool = False
    """Nothing goes on before a process was started: what that takes on this machine is added."""
    ends_workers: bool = False
    """Celery ends a worker's main process in some states of a broker that goes away."""
    through_api: bool = False
    """Only a case that came through the API since ends the recovery."""
    clocks: bool = False
    """The processes have clocks that can be set."""
    database_clock: bool = False
    """PostgreSQL has a clock that can be set."""
