import re
from typing import Annotated, Any

import typer

from casework.cli import completion, services
from casework.cli.console import Json, find_agent, find_queue, installation, print_json, say, table
from casework.core.limits import Limit, Rate, in_words, scope_in_words
from casework.errors import CaseworkError, InvalidInput

app = typer.Typer(
    help="Limits: runs at once and starts in a time, over queues, agents and values.", no_args_is_help=True
)

QueueOption = Annotated[
    str | None,
    typer.Option("--queue", metavar="QUEUE", help="Over the agents of this queue.", autocompletion=completion.queues),
]
ListedQueue = Annotated[
    str | None,
    typer.Option(
        "--queue", metavar="QUEUE", help="Only those that bind cases of this queue.", autocompletion=completion.queues
    ),
]
AgentOption = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="AGENT",
        help="This agent only; without --queue, over all its queues.",
        autocompletion=completion.agents,
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Each value for itself: of label:NAME, or of data.FIELD."),
]


@app.command("set")
def set_(
    queue: QueueOption = None,
    agent: AgentOption = None,
    key: KeyOption = None,
    at_once: Annotated[str | None, typer.Option(metavar="N|none", help="How many runs at once.")] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N/TIME|none", help="How many starts in a time, evenly: 10/minute, 100/30s.")
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many of them may follow each other at once; 1 by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set a limit, or change the one that has this queue, agent and key. Options that are not given keep their values."""
    casework = installation()
    scope = _scope(queue, agent, key)
    known = _known(scope)
    concurrency, per_time = _at_once(at_once, known), _rate(rate, burst, known)
    if known and concurrency is None and per_time is None:
        raise InvalidInput(
            "Nothing of the limit would be left; `casework limits delete` with the same scope takes it away."
        )
    limit = casework.perform(
        services.limits.put(casework.db, casework.team_id, **scope, concurrency=concurrency, rate=per_time)
    )
    if as_json:
        print_json(services.limits.fields_of(limit))
    else:
        say(f"{_where(limit)}: {in_words(limit.bounds)}.")


def _scope(queue: str | None, agent: str | None, key: str | None) -> dict[str, Any]:
    return {
        "queue": find_queue(queue).id if queue else None,
        "agent": find_agent(agent).id if agent else None,
        "key": key,
    }


def _known(scope: dict[str, Any]) -> Limit | None:
    casework = installation()
    found = services.limits.find(casework.db, casework.team_id)
    wanted = tuple(scope.values())
    return next((one for one in found if (one.queue_id, one.agent_id, one.key) == wanted), None)


def _at_once(given: str | None, known: Limit | None) -> int | None:
    if given is None:
        return known.bounds.concurrency if known else None
    if given != "none" and not re.fullmatch(r"0*[1-9]\d{0,8}", given, re.ASCII):
        raise InvalidInput(f"--at-once takes a number from 1 on, or none (got {given!r:.60}).")
    return None if given == "none" else int(given)


def _rate(given: str | None, burst: int | None, known: Limit | None) -> Rate | None:
    before = known.bounds.rate if known else None
    if burst is not None and (given == "none" or (given is None and before is None)):
        raise InvalidInput("--burst goes with --rate: how many starts in which time?")
    if given == "none":
        return None
    if given is not None:
        rate: Rate = services.limits.parse_rate(given, burst or (before.burst if before else None))
        return rate
    return Rate(before.count, before.seconds, burst or before.burst) if before else None


@app.command("list")
def list_(queue: ListedQueue = None, as_json: Json = False) -> None:
    """List limits: all, or those that bind the cases of a queue."""
    casework = installation()
    found = services.limits.find(casework.db, casework.team_id, find_queue(queue).id if queue else None)
    if as_json:
        print_json([services.limits.fields_of(one) for one in found])
        return
    rows = (
        (one.queue_name or "all", one.agent_name or "all", one.key or "", in_words(one.bounds), one.used)
        for one in found
    )
    table(
        ("queue", "agent", "for each", "limit", "runs now"),
        rows,
        empty="No limit binds cases of this queue." if queue else "There are no limits.",
        yields=("runs now", "agent"),
    )


@app.command()
def delete(queue: QueueOption = None, agent: AgentOption = None, key: KeyOption = None, as_json: Json = False) -> None:
    """Delete the limit that has this queue, agent and key. What waited because of it is claimed in its turn."""
    casework = installation()
    if queue is None and agent is None:
        raise InvalidInput("A limit is over a queue, an agent, or both: give --queue, --agent, or both.")
    known = _known(_scope(queue, agent, key))
    if known is None:
        which = f"for each {key}" if key else "without a key"
        raise CaseworkError(
            f"{_scope_name(agent, queue)} has no limit {which}. `casework limits list` shows all of them."
        )
    casework.perform(services.limits.delete(casework.db, casework.team_id, known.id))
    if as_json:
        print_json({"deleted": known.id})
    else:
        say(f"{_where(known)}: no limit any more.")


def _where(limit: Limit) -> str:
    return f"{_scope_name(limit.agent_name, limit.queue_name)}{f', for each {limit.key}' if limit.key else ''}"


def _scope_name(agent: str | None, queue: str | None) -> str:
    where = scope_in_words(agent, queue)
    return f"{where[0].upper()}{where[1:]}"
