"""`casework keys`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.cli import services
from casework.cli.console import Json, find_id, installation, print_json, say, shorten, table
from casework.core.duration import parse_span
from casework.core.roles import Role

if TYPE_CHECKING:
    from casework.store.keys import StoredKey

app = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)


def _as_object(key: "StoredKey") -> dict[str, Any]:
    fields = ("id", "team_id", "name", "role", "public", "created_at", "expires_at", "revoked_at")
    return {name: getattr(key, name) for name in fields}


@app.command()
def create(
    name: str,
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    expires: Annotated[str | None, typer.Option(help="For how long it is valid, as in 30d.")] = None,
    team: Annotated[
        str | None, typer.Option(help="The team it belongs to; a new one is created. CASEWORK_TEAM by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key. It is shown once, and stored as a hash."""
    casework = installation()
    team_id = services.keys.team(casework.db, team, create=True) if team else casework.team_id
    key, token = services.keys.create(casework.db, team_id, name, role, parse_span(expires) if expires else None)
    if as_json:
        print_json({**_as_object(key), "key": token})
    else:
        say(f"{token}\nThis is the key {name}, as {role}. It is not shown again.")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List keys, without their secrets."""
    casework = installation()
    found = services.keys.find(casework.db, casework.team_id)
    if as_json:
        print_json([_as_object(key) for key in found])
        return
    short = shorten(key.id for key in found)
    rows = (
        (short[key.id], key.name, key.role, f"cw_{key.public}_...", key.created_at, key.expires_at, key.revoked_at)
        for key in found
    )
    table(
        ("id", "name", "role", "key", "created", "expires", "revoked"),
        rows,
        empty="There are no keys. Create one: casework keys create NAME --role ROLE",
        yields=("key", "created", "revoked"),
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of a key, or its last 8 characters.")],
    as_json: Json = False,
) -> None:
    """Revoke a key, at once."""
    casework = installation()
    key_id = find_id("key", key)
    services.keys.revoke(casework.db, casework.team_id, key_id)
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        say(f"Revoked key {shorten([key_id])[key_id]}.")
