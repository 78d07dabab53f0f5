import typer

from casework.cli.console import Json, print_json, say

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.callback()
def db() -> None:
    """The database's schema."""


@app.command()
def upgrade(as_json: Json = False) -> None:
    """Bring the database to this version's schema."""
    from casework.store import schema
    from casework.wiring import connect

    casework = connect(checked=False)
    version = schema.upgrade(casework.db)
    casework.close()
    if as_json:
        print_json({"schema": version})
    else:
        say(f"The database is at schema {version}.")
