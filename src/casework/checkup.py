"""What can be said about an installation's health: its servers, schema, processes, slots, keys and queues.

What only the place can say where agents run, such as whether their modules can be imported, is not here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from casework.errors import CaseworkError, NotFound
from casework.service import keys, queues
from casework.service.diagnosis import health
from casework.service.diagnosis.queue import diagnose
from casework.wiring import Casework, presence_of
from casework.wording import command


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str


def look(check: str, act: Callable[[], str]) -> Finding:
    """What a check says; an error of casework's is something wrong."""
    try:
        return Finding(check, True, act())
    except CaseworkError as error:
        return Finding(check, False, str(error))


def servers(casework: Casework) -> Iterator[Finding]:
    """The database and its schema, then the broker, processes and slots. Ends early if the database is not fit for use."""
    for check, act in (("server", partial(health.server, casework.db)), ("schema", partial(_schema, casework))):
        finding = look(check, act)
        yield finding
        if not finding.ok:
            return
    yield from _broker(casework)
    for role in ("ticker", "worker"):
        yield look(role, partial(health.role_seen, casework.db, casework.settings, role))
    yield look("slots", partial(health.slots, casework.db, casework.settings))


def keys_and_queues(casework: Casework) -> Iterator[Finding]:
    """Keys that expire soon, queues that stand still, and what went wrong in them."""
    for key in keys.expiring(casework.db, casework.team_id):
        yield Finding(
            f"key {key.name}",
            False,
            f"expires at {key.expires_at:%Y-%m-%d %H:%M} UTC: {command('keys', 'rotate', key.id)}",
        )
    for one in diagnose(casework.db, casework.settings, casework.team_id):
        yield Finding(f"queue {one.queue.name}", one.message is None, one.message or "moves")
        try:
            counted = queues.counters(casework.db, casework.team_id, one.queue.id)
        except NotFound:
            # It was deleted since it was diagnosed.
            continue
        if any(counted.values()):
            listed = ", ".join(f"{name} {count}" for name, count in counted.items() if count)
            yield Finding(f"counters {one.queue.name}", True, listed)


def _schema(casework: Casework) -> str:
    from casework.store import schema

    schema.check(casework.db)
    return schema.HEAD


def _broker(casework: Casework) -> Iterator[Finding]:
    """Does the server answer, may this user do what each process does, and who else uses it?"""
    from casework.broker import access

    url, names = casework.publisher.url, casework.publisher.names
    try:
        refusals = access.refusals(url, names)
    except CaseworkError as error:
        yield Finding("broker", False, str(error))
        return
    user = access.user_of(url)
    if refusals:
        mending = access.rule(user, {rule for refusal in refusals for rule in refusal.rules})
        yield Finding("broker", False, f"the Redis user {user} lacks access: {mending}")
    else:
        own = not casework.settings.redis_url
        yield Finding("broker", True, "casework's own" if own else "as CASEWORK_REDIS_URL says")
    for process in access.Process:
        lacking = [str(refusal) for refusal in refusals if process in refusal.use.processes]
        if lacking:
            yield Finding(f"broker, {process}", False, "; ".join(dict.fromkeys(lacking)))
    if not refusals:
        yield from _sharing(casework)


def _sharing(casework: Casework) -> Iterator[Finding]:
    """Other installations that use the same Redis. Kept apart by their prefixes, they do each other no harm."""
    from casework.broker import presence

    own = presence_of(casework.settings, casework.db)
    for other in presence.others(casework.publisher.redis, own):
        if other.prefix == own.prefix:
            detail = (
                f"the installation of {other.database} has the prefix {own.prefix} too, and takes messages of this one: "
                "give each a CASEWORK_REDIS_PREFIX of its own"
            )
        else:
            detail = f"the installation of {other.database} uses this Redis too, with the prefix {other.prefix}"
        yield Finding("broker, shared", other.prefix != own.prefix, detail)
