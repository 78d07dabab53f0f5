"""`casework doctor`: is everything there, and if a queue stands still, why."""

import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import typer

from casework.agents import targets
from casework.agents.runners import registry
from casework.cli import services
from casework.cli.console import Json, print_json, read_settings, table
from casework.core.model import Agent
from casework.errors import Unavailable
from casework.wording import counted

if TYPE_CHECKING:
    from casework.checkup import Finding
    from casework.service.diagnosis.workers import Service
    from casework.wiring import Casework


def doctor(as_json: Json = False) -> None:
    """Check settings, servers, schema, processes, agents and queues. Exit code 1 if something is wrong."""
    findings = list(_findings())
    if as_json:
        print_json(findings)
    else:
        table(("check", "", "detail"), [(one.check, "ok" if one.ok else "WRONG", one.detail) for one in findings])
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def _findings() -> "Iterator[Finding]":
    from casework import checkup

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
        finding = checkup.look(check, look)
        yield finding
        if not finding.ok:
            return
    from casework.settings import misspelled

    if likely := misspelled(os.environ):
        yield checkup.Finding("environment", False, likely)
    casework = found[0]
    try:
        yield from _look_around(casework)
    finally:
        casework.close()


def _look_around(casework: "Casework") -> "Iterator[Finding]":
    from casework import checkup

    for finding in checkup.servers(casework):
        yield finding
        if finding.check in ("server", "schema") and not finding.ok:
            return
    for module in casework.settings.modules:
        yield checkup.look(f"module {module}", partial(_imported, module))
    found = services.agents.find(casework.db, casework.team_id)
    served = services.worker_diagnosis.service_of(casework.db, casework.settings, found)
    for agent in found:
        if agent.kind.is_dispatched:
            yield checkup.look(f"agent {agent.name}", partial(_served, casework, agent, served[agent.id]))
    yield from checkup.keys_and_queues(casework)


def _imported(module: str) -> str:
    targets.imported(module)
    return "may hold agents"


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
