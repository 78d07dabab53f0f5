from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.cli import services
from casework.cli.admin_key import sign_in_link
from casework.cli.console import Json, find_id, installation, print_json, say, shorten, table
from casework.cli.serve import DEFAULT_PORT
from casework.core.duration import parse_span
from casework.core.roles import Role

if TYPE_CHECKING:
    from casework.store.keys import StoredKey
    from casework.wiring import Casework

app = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of a key, or its last 8 characters.")]
Expires = Annotated[str | None, typer.Option(help="How long it is valid, as in 30d.")]


def _as_object(key: "StoredKey") -> dict[str, Any]:
    fields = (
        "id",
        "team_id",
        "name",
        "role",
        "public",
        "agent_ids",
        "may_answer",
        "created_at",
        "expires_at",
        "revoked_at",
    )
    return {name: getattr(key, name) for name in (*fields, "last_used_at", "last_used_from")}


@app.command()
def create(
    name: str,
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    agent: Annotated[
        list[str] | None, typer.Option(help="For role agent: the agent that it works for, by name or id; repeatable.")
    ] = None,
    answer: Annotated[
        bool, typer.Option("--answer/--no-answer", help="For role operator: whether it may answer what runs ask.")
    ] = True,
    expires: Expires = None,
    team: Annotated[
        str | None, typer.Option(help="The team it belongs to; a new one is created. CASEWORK_TEAM by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key. It is shown once, and stored as a hash."""
    casework = installation()
    team_id = services.keys.team(casework.db, team, create=True) if team else casework.team_id
    valid = parse_span(expires) if expires else None
    key, token = services.keys.create(
        casework.db, team_id, name, role, valid, for_agents=agent or (), may_answer=answer
    )
    _show_once(key, token, as_json=as_json)


@app.command()
def rotate(
    key: KeyId,
    overlap: Annotated[str, typer.Option(help="How long the old key stays valid, as in 24h; 0s ends it now.")] = "24h",
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Replace a key by a new one with the same name, role and agents; for a while both are valid."""
    casework = installation()
    valid = parse_span(expires) if expires else None
    created, token = services.keys.rotate(
        casework.db, casework.team_id, find_id("key", key), parse_span(overlap), valid
    )
    _show_once(created, token, as_json=as_json)


def _show_once(key: "StoredKey", token: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**_as_object(key), "key": token})
    else:
        say(f"{token}\nThis is the key {key.name}, as {key.role}. It is not shown again.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List keys, without their secrets, with when and from which network each was last used."""
    casework = installation()
    found = services.keys.find(casework.db, casework.team_id)
    if as_json:
        print_json([_as_object(key) for key in found])
        return
    short = shorten(key.id for key in found)
    names = _agent_names(casework)
    rows = (
        (
            short[key.id],
            key.name,
            key.role if key.may_answer else f"{key.role}, without answering",
            ", ".join(names.get(id, str(id)) for id in key.agent_ids),
            f"cw_{key.public}_...",
            key.created_at,
            key.expires_at,
            key.revoked_at,
            key.last_used_at,
            key.last_used_from,
        )
        for key in found
    )
    table(
        ("id", "name", "role", "agents", "key", "created", "expires", "revoked", "last used", "from"),
        rows,
        empty="There are no keys. Create one: casework keys create NAME --role ROLE",
        yields=("from", "key", "created", "revoked", "last used"),
    )


def _agent_names(casework: "Casework") -> dict[Any, str]:
    return {agent.id: agent.name for agent in services.agents.find(casework.db, casework.team_id)}


@app.command()
def link(
    key: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of a key; without one, the key of the first start.")
    ] = None,
    url: Annotated[str, typer.Option(help="The address of the web page.")] = f"http://127.0.0.1:{DEFAULT_PORT}",
    person: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who signs in with it; your login name by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a link that signs in to the web page with a key; it works once, within 15 minutes."""
    casework = installation()
    made = sign_in_link(casework, url, person, find_id("key", key) if key else None)
    if as_json:
        print_json({"url": made})
    else:
        say(made)


@app.command()
def revoke(key: KeyId, as_json: Json = False) -> None:
    """Revoke a key, at once."""
    casework = installation()
    key_id = find_id("key", key)
    services.keys.revoke(casework.db, casework.team_id, key_id)
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        say(f"Revoked key {shorten([key_id])[key_id]}.")
