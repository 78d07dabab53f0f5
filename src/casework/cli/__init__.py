"""The `casework` command."""

import os
import sys

import typer

from casework import log
from casework.cli import (
    agents,
    cases,
    console,
    consumers,
    database,
    demo,
    doctor,
    guide,
    keys,
    queues,
    requests,
    roles,
    runs,
    serve,
    up,
)

app = typer.Typer(
    name="casework",
    help="An open case queue for AI agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("api")(serve.api)
app.command("worker")(roles.worker)
app.command("ticker")(roles.ticker)
app.command("beat")(roles.beat)
app.command("tick")(roles.tick)
app.command("doctor")(doctor.doctor)
app.command("guide")(guide.guide)
app.add_typer(database.app, name="db")
app.add_typer(queues.app, name="queues")
app.add_typer(agents.app, name="agents")
app.add_typer(consumers.app, name="consumers")
app.add_typer(cases.app, name="cases")
app.add_typer(requests.app, name="requests")
app.add_typer(runs.app, name="runs")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run the command; what goes wrong is told in one line."""
    # A closed standard output is none to complain about.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - open to the end
    log.configure("WARNING", "text")
    with console.told_errors():
        app()
        sys.stdout.flush()
