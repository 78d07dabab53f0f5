import gc
import os
import sys
from typing import Annotated

import typer

from casework.cli.lazy import LazyGroup, Listed, is_completing

COMMANDS = {
    "up": Listed(
        "casework.cli.up.command:up",
        "Run everything: API with the web page, workers, ticker, beat, and the servers that no setting names.",
    ),
    "demo": Listed(
        "casework.cli.demo:demo",
        "Set up a queue with two agents and work 300 invoices through it; the demo answers what the agents ask.",
    ),
    "api": Listed("casework.cli.serve:api", "Serve the web page, and the HTTP API with its documentation at /docs."),
    "mcp": Listed("casework.cli.mcp:mcp", "Serve the tools for models over standard input and output."),
    "worker": Listed("casework.cli.roles:worker", "Execute runs."),
    "ticker": Listed("casework.cli.roles:ticker", "Run ticks: recover stuck runs, and claim cases for agents."),
    "beat": Listed("casework.cli.roles:beat", "Ask for a tick every CASEWORK_TICK_SECONDS."),
    "tick": Listed("casework.cli.roles:tick", "Run one tick in this process."),
    "doctor": Listed("casework.cli.doctor:doctor", "Check settings, servers, schema, processes, agents and queues."),
    "guide": Listed("casework.cli.guide:guide", "Show a guide, or list the guides."),
    "examples": Listed(
        "casework.cli.examples:app",
        "Agents of real tasks, to copy and change.",
        {
            "copy": "Copy an example to a directory, and say what to type next.",
        },
        acts=True,
    ),
    "db": Listed(
        "casework.cli.database:app",
        "The database's schema.",
        {
            "upgrade": "Bring the database to this version's schema.",
        },
    ),
    "queues": Listed(
        "casework.cli.queues:app",
        "Queues of cases.",
        {
            "create": "Create a queue.",
            "list": "List queues with their cases by status.",
            "show": "Show a queue, its cases by status, its consumers, and what went wrong in it.",
            "pause": "Stop claiming from a queue; runs in progress finish.",
            "resume": "Start claiming from a queue again.",
            "delete": "Delete a queue with all its cases; live runs are interrupted.",
            "drain": "Stop claiming, wait until the live runs have ended, and pause the queue.",
        },
    ),
    "agents": Listed(
        "casework.cli.agents:app",
        "Agents: who can work on cases.",
        {
            "create": "Create an agent: a python function, a command that workers start, or a program elsewhere.",
            "list": "List agents.",
            "try": "Run an agent on a made-up case, at this terminal: it asks here, and nothing is stored.",
            "delete": "Delete an agent: its live runs are interrupted, and cases that were delegated to it go back to their queues.",
        },
    ),
    "consumers": Listed(
        "casework.cli.consumers:app",
        "Consumers: agents connected to queues.",
        {
            "set": "Connect an agent to a queue, or change its options.",
            "list": "List the consumers of a queue.",
            "remove": "Disconnect an agent from a queue: its live runs are interrupted, and other agents can take its cases.",
        },
    ),
    "limits": Listed(
        "casework.cli.limits:app",
        "Limits: runs at once and starts in a time, over queues, agents and values.",
        {
            "set": "Set a limit, or change the one that has this queue, agent and key.",
            "list": "List limits: all, or those that bind the cases of a queue.",
            "delete": "Delete the limit that has this queue, agent and key.",
        },
    ),
    "cases": Listed(
        "casework.cli.cases:app",
        "Cases: work items.",
        {
            "import": "Import a file of records as cases.",
            "add": "Add a case to a queue.",
            "list": "List cases of a queue, the newest first.",
            "show": "Show a case: its status and the reason for it, data, runs, requests with answers, and history.",
            "explain": "Say why a case is not being worked on now.",
            "watch": "Show what happens to a case as it happens, until it has ended.",
            "edit": "Change a case's title, data, priority or labels, whatever its status.",
            "retry": "Set cases back to pending; live runs are interrupted.",
            "delegate": "Give cases to one agent, which must be a consumer of the queue; live runs are interrupted.",
            "postpone": "Set cases aside until later, or change until when postponed ones wait.",
            "settle": "End cases by hand; live runs are interrupted, open requests cancelled.",
            "delete": "Delete cases with their history; live runs are interrupted.",
        },
    ),
    "requests": Listed(
        "casework.cli.requests:app",
        "Requests: what runs ask people.",
        {
            "list": "List the requests that wait for a person, the oldest first.",
            "show": "Show a request in full.",
            "answer": "Answer a question or fill in a form; its run continues.",
            "approve": "Approve; its run continues.",
            "deny": "Deny; its run continues and learns of it.",
            "edit": "Approve an action with other arguments; its run continues.",
        },
    ),
    "runs": Listed(
        "casework.cli.runs:app",
        "Runs: agents' work on cases.",
        {
            "list": "List runs, the newest first.",
            "show": "Show a run, with its steps and the traceback of its last error.",
            "messages": "Show what a run said and called, the oldest first.",
            "listen": "Print what a run's model writes while it writes it, until the run ends or waits.",
            "stop": "Stop a run; its case fails with the reason.",
        },
    ),
    "keys": Listed(
        "casework.cli.keys:app",
        "Keys of the HTTP API.",
        {
            "create": "Create a key.",
            "list": "List keys, without their secrets, with when and from which network each was last used.",
            "rotate": "Replace a key by a new one with the same name, role and agents; for a while both are valid.",
            "link": "Make a link that signs in to the web page with a key; it works once, within 15 minutes.",
            "revoke": "Revoke a key, at once.",
        },
    ),
}
"""Every command, in the order of the help; each help text is the first sentence of the command's docstring."""


class _Commands(LazyGroup):
    listed = COMMANDS


app = typer.Typer(
    name="casework",
    cls=_Commands,
    help="An open case queue for AI agents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from casework import __version__

        typer.echo(f"casework {__version__}")
        raise typer.Exit


@app.callback()
def casework(
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    person: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who you are, for the history; your login name by default."),
    ] = None,
) -> None:
    """An open case queue for AI agents."""
    from casework.cli import person as caller

    caller.begin(person)


def main() -> None:
    """Run the command; report errors in one line."""
    from casework.cli import console

    # Exempt what imports create from garbage collection, which costs a short command a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    # A closed standard output is not an error.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - open to the end
    if not is_completing():
        from casework import log

        log.configure("WARNING", "text")
    with console.reported_errors():
        app()
        sys.stdout.flush()
