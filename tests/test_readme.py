"""The README says what the code says. `python tests/test_readme.py` writes its derived parts anew."""

import os
import re
from pathlib import Path

import typer

from casework.cli import app
from casework.core.lifecycle import LIFECYCLE, Actor
from casework.settings import Settings

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else "unset"
        lines.append(f"| `CASEWORK_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


def transitions_table() -> str:
    lines = ["| action | a case that is | becomes |", "|---|---|---|"]
    for row in LIFECYCLE.transitions:
        if Actor.PERSON in row.actors and row.sources:
            lines.append(f"| {row.event} | {', '.join(sorted(row.sources))} | {row.target or 'gone'} |")
    return "\n".join(lines)


def commands_table() -> str:
    lines = ["| command | what it does |", "|---|---|"]
    root = typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            for sub, subcommand in command.commands.items():
                lines.append(f"| `casework {name} {sub}` | {first_sentence(subcommand)} |")
        else:
            lines.append(f"| `casework {name}` | {first_sentence(command)} |")
    return "\n".join(lines)


def first_sentence(command) -> str:
    return re.split(r"(?<=\.)\s", command.help.strip())[0]


def test_the_settings_table():
    assert settings_table() in README.read_text()


def test_the_diagram_and_the_table_of_actions():
    assert f"```mermaid\n{LIFECYCLE.diagram()}\n```" in README.read_text()
    assert transitions_table() in README.read_text()


def test_the_commands_table():
    assert commands_table() in README.read_text()


def test_the_first_block_holds_two_commands_each_enough_by_itself():
    block = re.search(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert block
    lines = block[1].strip().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("python3 -m venv") for line in lines)
    assert lines[0].endswith("casework demo")
    assert lines[1].endswith("pytest")


def test_the_example_agent_runs(tmp_path, monkeypatch):
    source = re.search(r"^```python\n(# my_agents.py.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert source
    namespace: dict = {}
    exec(compile(source[1], "my_agents.py", "exec"), namespace)
    assert namespace["triage"].__name__ == "triage"


def test_every_file_that_is_linked_exists():
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text()):
        assert (README.parent / link).exists(), link


if __name__ == "__main__":
    os.environ.clear()
    text = README.read_text()
    text = re.sub(r"(?s)```mermaid\n.*?\n```", lambda _: f"```mermaid\n{LIFECYCLE.diagram()}\n```", text)
    for heading, made in (
        ("| variable |", settings_table()),
        ("| action |", transitions_table()),
        ("| command |", commands_table()),
    ):
        marker = {"| variable |": "SETTINGS", "| action |": "TRANSITIONS", "| command |": "COMMANDS"}[heading]
        text = re.sub(rf"(?m)^{marker}$", lambda _, made=made: made, text)
        text = re.sub(rf"(?m)^{re.escape(heading)}.*\n(\|.*\n?)+", lambda _, made=made: made + "\n", text)
    README.write_text(text)
