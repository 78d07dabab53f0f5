"""Builds an installation's parts from settings. Nothing else does, and nothing happens at import."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import sleep
from typing import TYPE_CHECKING, TypeVar

from casework import embedded, events
from casework.core.effects import Committed, Effects
from casework.core.model import DEFAULT_TEAM, TeamId
from casework.errors import Unavailable
from casework.service import keys
from casework.settings import Settings, read_settings
from casework.store import installation, schema
from casework.store.database import Database

if TYPE_CHECKING:
    from casework.broker.names import Names
    from casework.broker.presence import Installation
    from casework.broker.publisher import Publisher

T = TypeVar("T")


@dataclass(frozen=True)
class Casework:
    """One process's connection to an installation."""

    settings: Settings
    db: Database
    make_publisher: Callable[[], "Publisher"]
    """Called when something is first published: a command that only reads imports no broker."""
    team_id: TeamId = DEFAULT_TEAM

    @cached_property
    def publisher(self) -> "Publisher":
        """The way to the broker."""
        return self.make_publisher()

    def perform(self, committed: Committed[T]) -> T:
        """Perform the effects of something committed, and return its result."""
        self.publisher.perform(committed.effects)
        return committed.value

    def effects(self, effects: Effects) -> None:
        """Perform effects."""
        self.publisher.perform(effects)

    def close(self) -> None:
        """Close all connections."""
        self.db.close()
        if "publisher" in self.__dict__:
            self.publisher.close()


def when_available(act: Callable[[], T]) -> T:
    """The result of `act`, as soon as the servers that it needs are there."""
    said = ""
    while True:
        try:
            return act()
        except Unavailable as error:
            if str(error) != said:
                events.emit(events.StartupWaiting(str(error)))
            said = str(error)
            sleep(0.5)


def connect(
    settings: Settings | None = None,
    *,
    application: str = "casework",
    pool_size: int = 5,
    checked: bool = True,
    caches_plans: bool = False,
) -> Casework:
    """Connect to the installation that the settings name, starting casework's own servers when they name none.

    A database of our own is brought to the schema of this version; one that was named is only checked, because its
    owner decides when it changes. `caches_plans` is for processes that repeat a few statements that go by keys.
    Raises Unavailable and InvalidSettings.
    """
    settings = settings or read_settings()
    urls = embedded.resolve(settings)
    db = Database(urls.database, application=application, pool_size=pool_size, caches_plans=caches_plans)
    if urls.own_database:
        schema.ensure(db)
    elif checked:
        schema.check(db)
    team_id = DEFAULT_TEAM if settings.team == "default" or not checked else keys.team(db, settings.team)

    def make_publisher() -> "Publisher":
        from casework.broker.publisher import Publisher

        return Publisher(urls.redis, lambda: names_of(settings, db))

    return Casework(settings, db, make_publisher, team_id)


def names_of(settings: Settings, db: Database) -> "Names":
    """The names of this installation in Redis."""
    from casework.broker.names import Names

    return Names(settings.redis_prefix or f"casework:{installation.identity(db)}:")


def presence_of(settings: Settings, db: Database) -> "Installation":
    """What this installation tells others that use its Redis."""
    from casework.broker.presence import Installation

    return Installation(installation.identity(db), names_of(settings, db).prefix, installation.place(db))


def redis_prefix() -> str:
    """What the keys of this installation begin with, for Celery's own connections; waits for the database."""
    casework = when_available(lambda: connect(application="casework names", pool_size=1, checked=False))
    try:
        return when_available(lambda: casework.publisher.names.prefix)
    finally:
        casework.close()
