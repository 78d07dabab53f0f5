from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.agents.runners import registry
from casework.cli import services, try_agent
from casework.cli.console import AgentRef, Json, counted, find_agent, installation, print_json, say, shorten, table
from casework.core.duration import parse_span
from casework.core.model import AgentKind
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from casework.service.diagnosis.workers import Service

app = typer.Typer(help="Agents: who can work on cases.", no_args_is_help=True)


@app.command()
def create(
    name: str,
    python: Annotated[
        str | None, typer.Option("--python", metavar="MODULE:FUNCTION", help="A function marked with @casework.agent.")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--command", metavar="COMMAND", help="A program that workers start, with its arguments; no shell."
        ),
    ] = None,
    pull: Annotated[bool, typer.Option("--pull", help="A program elsewhere, which asks for work over HTTP.")] = False,
    max_attempts: Annotated[
        int | None, typer.Option("--max-attempts", min=1, max=100, help="Failed attempts until a case fails.")
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="DURATION", help='How long one attempt may take, as "10m" or "2h".'),
    ] = None,
    group: Annotated[
        str, typer.Option("--group", "-g", metavar="NAME", help="The group of workers that its runs need.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="See now that the function or the program is there.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Create an agent: a python function, a command that workers start, or a program elsewhere.

    CASEWORK_AGENT_MODULES names the modules that may hold functions, CASEWORK_AGENT_COMMANDS the commands.
    """
    if [pull, python is not None, command is not None].count(True) != 1:
        raise InvalidInput("Give exactly one of --python, --command and --pull.")
    casework = installation()
    kind = AgentKind.PULL if pull else AgentKind.COMMAND if python is None else AgentKind.PYTHON
    target = command if python is None else python
    if target is not None and check:
        registry.load(kind, target, casework.settings)
    agent = services.agents.create(
        casework.db,
        casework.settings,
        casework.team_id,
        name,
        kind=kind,
        target=target,
        max_attempts=max_attempts,
        timeout_seconds=parse_span(timeout).total_seconds() if timeout is not None else None,
        group=group,
    )
    if as_json:
        print_json(agent)
    else:
        say(f"Created agent {agent.name}.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List agents."""
    casework = installation()
    found = services.agents.find(casework.db, casework.team_id)
    settings = casework.settings
    served = services.worker_diagnosis.service_of(casework.db, settings, found)
    if as_json:
        print_json([{**asdict(agent), "workers": _workers(served.get(agent.id))} for agent in found])
        return
    short = shorten(agent.id for agent in found)
    rows = (
        (
            short[agent.id],
            agent.name,
            agent.kind,
            agent.target,
            agent.max_attempts or settings.max_attempts,
            _limit(agent.timeout_seconds or settings.run_timeout_seconds) if agent.kind.is_dispatched else None,
            agent.group or None,
            f"{len(known.able)} of {len(known.able) + len(known.unable)}" if (known := served.get(agent.id)) else None,
        )
        for agent in found
    )
    table(
        ("id", "agent", "kind", "target", "attempts", "time limit", "group", "workers"),
        rows,
        empty="There are no agents. Create one: casework agents create NAME --python module:function",
        yields=("time limit", "attempts", "group", "kind"),
    )
    for agent in found:
        if (service := served.get(agent.id)) and service.unable:
            say(f"{agent.name}: {'; '.join(f'worker {worker}: {why}' for worker, why in service.unable.items())}")


def _workers(service: "Service | None") -> dict[str, Any] | None:
    return {"able": service.able, "unable": service.unable} if service else None


def _limit(seconds: float) -> str | None:
    return f"{seconds:g} s" if seconds else None


@app.command()
def delete(agent: AgentRef, as_json: Json = False) -> None:
    """Delete an agent: its live runs are interrupted, and cases that were delegated to it go back to their queues."""
    casework = installation()
    found = find_agent(agent)
    interrupted = casework.perform(
        services.queues.delete_agent(casework.db, casework.settings, casework.team_id, found.id)
    )
    if as_json:
        print_json({"id": found.id, "interrupted_run_ids": interrupted})
    else:
        say(f"Deleted agent {found.name}; {counted(len(interrupted), 'run')} interrupted.")


app.command("try")(try_agent.try_)
