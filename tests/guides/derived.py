"""The parts of the README and the guides that follow from the code. `.venv/bin/python tests/guides/derived.py` rewrites them."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import typer

from casework.api.errors import ANSWERS
from casework.broker import access
from casework.cli import app
from casework.core.lifecycle import LIFECYCLE, Actor
from casework.core.roles import RIGHTS, Right
from casework.settings import Settings

ROOT = Path(__file__).parent.parent.parent
GUIDES = ROOT / "src" / "casework" / "guides"
README = ROOT / "README.md"
DEPLOY = ROOT / "deploy" / "README.md"
DOCUMENTS = [README, *sorted(GUIDES.glob("*.md")), DEPLOY]
BENCH = ROOT / "tests" / "bench" / "README.md"
CHAOS = ROOT / "tests" / "chaos" / "README.md"

FIGURES = {
    "from creating a case to the start of its run, idle": ("latency", "casework, idle, p50", "Celery"),
    "runs from start to end, a message for each": (
        "end-to-end",
        "casework, prefork 2, a message for each run",
        "Celery no-op, prefork 2",
    ),
    "the same, with threads": (
        "end-to-end",
        "casework, 2 workers, threads 4, a message for each run",
        "Procrastinate, 2 processes of 10, deferred by 100",
    ),
    "short runs, which share messages": (
        "end-to-end",
        "casework, prefork 2, short runs share messages",
        "Celery no-op, prefork 2",
    ),
    "claiming a hundred out of a million cases": ("claims", "1 million", "10 thousand"),
}
"""The rows of the benchmark that the README shows."""

SHOWN_FAULTS = ("kill-worker", "kill-api", "flush-redis", "restart-postgres-immediate", "cut-line")


def settings_table() -> str:
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else "unset"
        lines.append(f"| `CASEWORK_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


def actions_table() -> str:
    lines = ["| action | a case that is | becomes |", "|---|---|---|"]
    for row in LIFECYCLE.transitions:
        if Actor.PERSON in row.actors and row.sources:
            lines.append(f"| {row.event} | {', '.join(sorted(row.sources))} | {row.target or 'gone'} |")
    return "\n".join(lines)


def commands_table() -> str:
    lines = ["| command | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {_first_sentence(command)} |" for name, command in commands()]
    return "\n".join(lines)


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name, as they are listed by `--help`."""
    return _commands(typer.main.get_command(app), "casework")


def _commands(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    if not hasattr(command, "list_commands"):
        return [(name, command)]
    context = click.Context(command)
    # Resolved, as the command line does it: until then a command is only its name and help.
    children = [(child, command.resolve_command(context, [child])[1]) for child in command.list_commands(context)]
    itself = [(name, command)] if command.invoke_without_command else []
    return itself + [found for child, under in children if under for found in _commands(under, f"{name} {child}")]


def _first_sentence(command: click.Command) -> str:
    return re.split(r"(?<=\.)\s", (command.help or "").strip())[0]


def roles_table() -> str:
    lines = [f"| role | {' | '.join(Right)} |", f"|---|{'---|' * len(Right)}"]
    for role, rights in RIGHTS.items():
        lines.append(f"| `{role}` | {' | '.join('yes' if right in rights else '' for right in Right)} |")
    return "\n".join(lines)


def errors_table() -> str:
    lines = ["| status | `error` | meaning |", "|---|---|---|"]
    for kind, (status, name) in sorted(ANSWERS.items(), key=lambda item: item[1]):
        lines.append(f"| {status} | `{name}` | {kind.__doc__} |")
    return "\n".join(lines)


def rows(document: Path) -> list[list[str]]:
    """The cells of the measured table of a document, without its header."""
    table = re.search(r"<!-- measured -->\n(.*?)\n<!-- end of measured -->", document.read_text(), re.DOTALL)
    assert table, f"{document} has no measured table"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()[2:]]


def speed_table() -> str:
    lines = ["| what | median | beside |", "|---|---|---|"]
    found = {(part, name, ratio.partition(" of ")[2]): (median, ratio) for part, name, median, ratio, *_ in rows(BENCH)}
    for label, key in FIGURES.items():
        lines.append(f"| {label} | {' | '.join(found[key])} |")
    return "\n".join(lines)


def faults_table() -> str:
    measured = re.search(r"fault, \d+ times", CHAOS.read_text())
    assert measured, f"{CHAOS} does not say how often each fault was measured"
    lines = [f"| {measured[0]} | cases | lost | doubled | recovery p50 / max |", "|---|---|---|---|---|"]
    found = {row[1].strip("`"): row for row in rows(CHAOS)}
    for name in SHOWN_FAULTS:
        fault, _, cases, lost, doubled, _, _, recovery, *_ = found[name]
        lines.append(f"| {fault} | {cases} | {lost} | {doubled} | {recovery} |")
    return "\n".join(lines)


def redis_rule() -> str:
    return f"```text\nuser casework on >PASSWORD {' '.join(access.needed('casework:'))}\n```"


def _listed(rules: Iterable[str]) -> str:
    # A bar ends a cell, also in code.
    return ", ".join(f"`{rule}`" for rule in rules).replace("|", "\\|")


def redis_access() -> str:
    lines = ["| process | keys and channels | commands |", "|---|---|---|"]
    for process in access.Process:
        rules = access.needed("casework:", {process})
        names, commands = (_listed(rule for rule in rules if (rule[0] == "+") is plus) for plus in (False, True))
        lines.append(f"| {process} | {names} | {commands} |")
    return "\n".join(lines)


def frameworks_table() -> str:
    from integrations.conformance import table

    return table()


DERIVED: dict[str, Callable[[], str]] = {
    "diagram": lambda: f"```mermaid\n{LIFECYCLE.diagram()}\n```",
    "actions": actions_table,
    "settings": settings_table,
    "commands": commands_table,
    "roles": roles_table,
    "errors": errors_table,
    "speed": speed_table,
    "faults": faults_table,
    "redis_rule": redis_rule,
    "redis_access": redis_access,
    "frameworks": frameworks_table,
}
_PART = re.compile(r"(?s)(<!-- derived: (\w+) -->\n)(.*?)(<!-- end of \2 -->)")


def parts(text: str) -> dict[str, str]:
    """The derived parts of a document, by name."""
    return {found[2]: found[3].rstrip("\n") for found in _PART.finditer(text)}


def renewed(text: str) -> str:
    """The document with its derived parts as they are now."""
    return _PART.sub(lambda found: f"{found[1]}{DERIVED[found[2]]()}\n{found[4]}", text)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    for document in DOCUMENTS:
        document.write_text(renewed(document.read_text()))
