"""The composition root: everything is built from settings here, and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import sleep
from typing import TYPE_CHECKING, TypeVar

from casework import embedded, log
from casework.core.model import DEFAULT_TEAM, Committed, Effects, TeamId
from casework.errors import Unavailable
from casework.service import keys
from casework.settings import Settings, read_settings
from casework.store import schema
from casework.store.database import Database

if TYPE_CHECKING:
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


def connect_when_possible(
    application: str, pool_size: int, *, checked: bool = True, caches_plans: bool = False
) -> Casework:
    """As `connect`, waiting for servers that are not there yet."""
    said = ""
    while True:
        try:
            return connect(application=application, pool_size=pool_size, checked=checked, caches_plans=caches_plans)
        except Unavailable as error:
            if str(error) != said:
                log.warn("waits", error=str(error))
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
    """Connect to the installation that the settings name, starting casework's own servers where they name none.

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

    def publisher() -> "Publisher":
        from casework.broker.publisher import Publisher

        return Publisher(urls.redis)

    return Casework(settings, db, publisher, team_id)
