"""`casework doctor`: is everything there, and if a queue stands still, why."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import typer

from casework.agents import targets
from casework.agents.runners import registry
from casework.cli import services
from casework.cli.console import Json, print_json, read_settings, table
from casework.core.model import Agent
from casework.errors import CaseworkError, Unavailable
from casework.wording import command, counted

if TYPE_CHECKING:
    from casework.service.diagnosis.workers import Service
    from casework.wiring import Casework


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str


def doctor(as_json: Json = False) -> None:
    """Check settings, servers, schema, processes, agents and queues. Exit code 1 if something is wrong."""
    findings = list(_findings())
    if as_json:
        print_json(findings)
    else:
        table(("check", "", "detail"), [(one.check, "ok" if one.ok else "WRONG", one.detail) for one in findings])
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    found: list[Casework] = []

    def settings() -> str:
        read = read_settings()
        return f"lease {read.lease_seconds:g} s, tick {read.tick_seconds:g} s, python {sys.version.split()[0]}"

    def database() -> str:
        from casework.wiring import connect

        casework = connect(application="casework doctor", checked=False)
        services.health.database(casework.db)
        found.append(casework)
        return "casework's own" if not casework.settings.database_url else "as CASEWORK_DATABASE_URL says"

    for check, look in (("settings", settings), ("database", database)):
        finding = _look(check, look)
        yield finding
        if not finding.ok:
            return
    from casework.settings import misspelled

    if likely := misspelled(os.environ):
        yield Finding("environment", False, likely)
    casework = found[0]
    try:
        yield from _look_around(casework)
    finally:
        casework.close()


def _look_around(casework: "Casework") -> Iterator[Finding]:
    looks: dict[str, Callable[[], str]] = {
        "server": partial(services.health.server, casework.db),
        "schema": partial(_schema, casework),
    }
    for check, look in looks.items():
        finding = _look(check, look)
        yield finding
        if not finding.ok:
            return
    yield from _broker(casework)
    for role in ("ticker", "worker"):
        yield _look(role, partial(services.health.role_seen, casework.db, casework.settings, role))
    yield _look("slots", partial(services.health.slots, casework.db, casework.settings))
    for module in casework.settings.modules:
        yield _look(f"module {module}", partial(_imported, module))
    yield from _agents(casework)
    for key in services.keys.expiring(casework.db, casework.team_id):
        yield Finding(
            f"key {key.name}",
            False,
            f"expires at {key.expires_at:%Y-%m-%d %H:%M} UTC: {command('keys', 'rotate', key.id)}",
        )
    for one in services.queue_diagnosis.diagnose(casework.db, casework.settings, casework.team_id):
        yield Finding(f"queue {one.queue.name}", one.message is None, one.message or "moves")
        counted = services.queues.counters(casework.db, casework.team_id, one.queue.id)
        if any(counted.values()):
            listed = ", ".join(f"{name} {count}" for name, count in counted.items() if count)
            yield Finding(f"counters {one.queue.name}", True, listed)


def _look(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, True, look())
    except CaseworkError as error:
        return Finding(check, False, str(error))


def _schema(casework: "Casework") -> str:
    from casework.store import schema

    schema.check(casework.db)
    return schema.HEAD


def _broker(casework: "Casework") -> Iterator[Finding]:
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
        yield Finding(
            "broker", True, "casework's own" if not casework.settings.redis_url else "as CASEWORK_REDIS_URL says"
        )
    for process in access.Process:
        lacking = [str(refusal) for refusal in refusals if process in refusal.use.processes]
        if lacking:
            yield Finding(f"broker, {process}", False, "; ".join(dict.fromkeys(lacking)))
    if not refusals:
        yield from _sharing(casework)


def _sharing(casework: "Casework") -> Iterator[Finding]:
    """Other installations that use the same Redis. Kept apart by their prefixes, they do each other no harm."""
    from casework.broker import presence
    from casework.wiring import presence_of

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


def _imported(module: str) -> str:
    targets.imported(module)
    return "may hold agents"


def _agents(casework: "Casework") -> Iterator[Finding]:
    found = services.agents.find(casework.db, casework.team_id)
    served = services.worker_diagnosis.service_of(casework.db, casework.settings, found)
    for agent in found:
        if agent.kind.is_dispatched:
            yield _look(f"agent {agent.name}", partial(_served, casework, agent, served[agent.id]))


def _served(casework: "Casework", agent: Agent, service: "Service") -> str:
    """What workers say. If none is there to say it, whether this process finds the agent."""
    target = agent.target or ""
    if not service.able and not service.unable and not service.group:
        registry.load(agent.kind, target, casework.settings)
        return target
    if service.problem:
        raise Unavailable(service.problem)
    lacking = "".join(f"; not on {worker}: {why}" for worker, why in service.unable.items())
    return f"{target}, on {counted(len(service.able), 'worker')}{lacking}"
