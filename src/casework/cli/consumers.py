from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from casework.cli import services
from casework.cli.console import (
    AgentRef,
    Json,
    QueueRef,
    counted,
    find_agent,
    find_queue,
    installation,
    print_json,
    say,
    table,
)
from casework.core.model import Consumer
from casework.core.shares import MAX_WEIGHT, MIN_WEIGHT
from casework.errors import InvalidInput

app = typer.Typer(help="Consumers: agents connected to queues.", no_args_is_help=True)


CONSUMER_COLUMNS = ("consumer", "trigger", "concurrency", "slots used", "weight")


def consumer_row(one: Consumer) -> tuple[object, ...]:
    """A row below CONSUMER_COLUMNS."""
    return one.agent_name, one.trigger, one.concurrency or "none", one.used_slots, f"{one.weight:g}"


class Trigger(StrEnum):
    """Whether a consumer takes cases by itself."""

    ON = "on"
    OFF = "off"


@app.command("set")
def set_(
    queue: QueueRef,
    agent: AgentRef,
    trigger: Annotated[
        Trigger | None, typer.Option(help="on: takes cases; off: works only what is delegated to it.")
    ] = None,
    concurrency: Annotated[str | None, typer.Option(metavar="N|none", help="How many runs at once.")] = None,
    weight: Annotated[
        float | None,
        typer.Option(
            min=MIN_WEIGHT,
            max=MAX_WEIGHT,
            help="Its share of the workers; 1 by default.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Connect an agent to a queue, or change its options. Options that are not given keep their values; the defaults are trigger on and no limit."""
    casework = installation()
    _check_concurrency(concurrency)
    found, agent_id = find_queue(queue), find_agent(agent).id
    before = services.queues.consumers(casework.db, casework.team_id, found.id)
    known = next((one for one in before if one.agent_id == agent_id), None)
    consumer = casework.perform(
        services.queues.set_consumer(
            casework.db,
            casework.team_id,
            found.id,
            agent_id,
            trigger=_trigger(trigger, known),
            concurrency=_concurrency(concurrency, known),
            weight=weight if weight is not None else known.weight if known else 1.0,
        )
    )
    if as_json:
        print_json(as_object(consumer))
    else:
        limit = consumer.concurrency or "none"
        say(
            f"Agent {consumer.agent_name} consumes {found.name}: trigger {'on' if consumer.trigger else 'off'}, concurrency {limit}, weight {consumer.weight:g}."
        )


def as_object(consumer: Consumer) -> dict[str, Any]:
    """A consumer for JSON, with the field names of the API: slots in use are `live_runs`."""
    return {"live_runs" if name == "used_slots" else name: value for name, value in asdict(consumer).items()}


def _trigger(given: Trigger | None, known: Consumer | None) -> bool:
    if given is None:
        return known.trigger if known else True
    return given is Trigger.ON


def _concurrency(given: str | None, known: Consumer | None) -> int | None:
    if given is None:
        return known.concurrency if known else None
    return None if given == "none" else int(given)


def _check_concurrency(given: str | None) -> None:
    if given not in (None, "none") and not (str(given).isdecimal() and int(str(given)) > 0):
        raise InvalidInput(f"--concurrency takes a number from 1 on, or none (got {given!r}).")


@app.command("list")
def list_(queue: QueueRef, as_json: Json = False) -> None:
    """List the consumers of a queue."""
    casework = installation()
    found = services.queues.consumers(casework.db, casework.team_id, find_queue(queue).id)
    if as_json:
        print_json([as_object(one) for one in found])
        return
    table(CONSUMER_COLUMNS, map(consumer_row, found), empty="It has no consumers.")


@app.command()
def remove(queue: QueueRef, agent: AgentRef, as_json: Json = False) -> None:
    """Disconnect an agent from a queue: its live runs are interrupted, and other agents can take its cases."""
    casework = installation()
    found, member = find_queue(queue), find_agent(agent)
    interrupted = casework.perform(
        services.queues.remove_consumer(casework.db, casework.settings, casework.team_id, found.id, member.id)
    )
    if as_json:
        print_json({"interrupted_run_ids": interrupted})
    else:
        say(f"Agent {member.name} no longer consumes {found.name}; {counted(len(interrupted), 'run')} interrupted.")
