"""Connects the parts of an installation according to the settings. Nothing happens at import."""

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
    from casework.service.at_once import ClaimsAtOnce

T = TypeVar("T")


@dataclass(frozen=True)
class Casework:
    """One process's connection to an installation."""

    settings: Settings
    db: Database
    make_publisher: Callable[[], "Publisher"]
    """Called at the first message, so that a command that only reads does not import the broker."""
    claims_with: Database | None = None
    """What is created is claimed at once with these connections, which keep their plans; without any, it is left to tickers."""

    @cached_property
    def team_id(self) -> TeamId:
        """The team that CASEWORK_TEAM names. Raises NotFound."""
        return DEFAULT_TEAM if self.settings.team == "default" else keys.team(self.db, self.settings.team)

    @cached_property
    def publisher(self) -> "Publisher":
        return self.make_publisher()

    @cached_property
    def claims_at_once(self) -> "ClaimsAtOnce | None":
        if self.claims_with is None:
            return None
        from casework.service.at_once import ClaimsAtOnce

        return ClaimsAtOnce(self.claims_with, self.settings, self.publisher.perform)

    def perform(self, committed: Committed[T]) -> T:
        """Perform the effects of a committed use case, and return its result."""
        self.effects(committed.effects)
        return committed.value

    def effects(self, effects: Effects) -> None:
        if not (effects.ready and self.claims_at_once and self.claims_at_once.takes(effects)):
            self.publisher.perform(effects)

    def finish_claims(self) -> None:
        """Send what is being claimed at once, and claim nothing more."""
        if claims := self.__dict__.get("claims_at_once"):
            claims.finish()

    def close(self) -> None:
        self.finish_claims()
        if self.claims_with:
            self.claims_with.close()
        self.db.close()
        if "publisher" in self.__dict__:
            self.publisher.close()


def when_available(act: Callable[[], T]) -> T:
    """Call `act` until the servers that it needs are available, and return its result."""
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
    claims_at_once: bool = False,
) -> Casework:
    """Connect to the installation that the settings name, starting casework's own servers when they name none.

    casework's own database is upgraded to the schema of this version. A database that the settings name is only
    checked, because its owner decides when to upgrade. `caches_plans` is for processes that repeat a few statements
    that find rows by key. `claims_at_once` is for processes that stay: what they create is claimed without a ticker, if workers
    are idle. One that ends would take 30 ms for connections and plans, and a nudge takes 0.3.
    Raises Unavailable and InvalidSettings.
    """
    settings = settings or read_settings()
    urls = embedded.resolve(settings)
    db = Database(urls.database, application=application, pool_size=pool_size, caches_plans=caches_plans)
    if urls.own_database:
        schema.ensure(db)
    elif checked:
        schema.check(db)

    def make_publisher() -> "Publisher":
        from casework.broker.publisher import Publisher

        return Publisher(urls.redis, lambda: names_of(settings, db))

    claims = None
    if claims_at_once:
        # A claim takes twice as long if its statements are planned again.
        name = f"{application} claims"
        claims = db if caches_plans else Database(urls.database, application=name, pool_size=1, caches_plans=True)
    return Casework(settings, db, make_publisher, claims)


def names_of(settings: Settings, db: Database) -> "Names":
    """The names of this installation in Redis."""
    from casework.broker.names import Names

    return Names(settings.redis_prefix or f"casework:{installation.identity(db)}:")


def presence_of(settings: Settings, db: Database) -> "Installation":
    """What this installation tells others that use its Redis."""
    from casework.broker.presence import Installation

    return Installation(installation.identity(db), names_of(settings, db).prefix, installation.place(db))


def redis_prefix() -> str:
    """The Redis prefix of this installation, for Celery's own connections. Waits for the database."""
    casework = when_available(lambda: connect(application="casework names", pool_size=1, checked=False))
    try:
        return when_available(lambda: casework.publisher.names.prefix)
    finally:
        casework.close()
