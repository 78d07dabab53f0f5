"""What all pages of this process share."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from uuid import UUID

import jinja2

from casework.broker.deltas import Feed
from casework.core.model import RunId
from casework.service.figures import Figures
from casework.service.listing import Counts
from casework.store import installation
from casework.store.database import Database
from casework.web.assets import Assets
from casework.web.environment import make_environment
from casework.web.live import Live
from casework.wiring import Casework


class Limit(Protocol):
    """A limit on requests a minute."""

    def hit(self, who: str) -> dict[str, str]:
        """Count a request. Raises HTTPException 429."""


class Share(Protocol):
    """The share of the process's threads and connections that reads may take."""

    def slot(self, key_id: UUID) -> AbstractAsyncContextManager[None]:
        """Hold a slot. Raises Unavailable."""


@dataclass(eq=False)
class Face:
    """Made once for each process, by the API that serves it."""

    casework: Casework
    reads: Database
    """Connections for reads: their statements have a time limit."""
    share: Share
    counts: Counts
    limit: Limit
    """On requests of one session."""
    tries: Limit
    """On tries to sign in from one address."""
    status_of: Callable[[Exception], int]
    """The HTTP status of an error."""
    assets: Assets = field(default_factory=Assets)
    live: Live = field(init=False)
    figures: Figures = field(init=False)
    environment: jinja2.Environment = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(self.reads, self._feed)
        self.figures = Figures(self.reads, self.casework.settings)
        self.environment = make_environment(self.assets)

    def _feed(self, tell: Callable[[RunId, str], None]) -> Feed:
        publisher = self.casework.publisher
        return Feed(publisher.url, publisher.names, tell)

    @cached_property
    def cookie(self) -> str:
        """The name of the session's cookie. It names the installation: browsers share cookies between the ports of a host."""
        return f"casework_session_{installation.identity(self.casework.db)}"
