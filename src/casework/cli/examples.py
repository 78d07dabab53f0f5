"""`casework examples`: agents of real tasks, to read and to copy."""

import ast
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from casework.cli.console import Json, print_json, say, table
from casework.errors import Conflict, InvalidInput
from casework.wording import command, shell

app = typer.Typer(help="Agents of real tasks, to copy and change.", invoke_without_command=True, add_completion=False)


@app.callback()
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the examples."""
    if context.invoked_subcommand:
        return
    found = {name: _title(text) for name, text in sources().items()}
    if as_json:
        print_json([{"name": name, "title": title} for name, title in found.items()])
        return
    table(("example", "what it does"), found.items())
    say(f"\nCopy one: {command('examples', 'copy', 'triage')}")


def _complete(incomplete: str) -> list[str]:
    return [name for name in sources() if name.startswith(incomplete)]


@app.command()
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The example.", autocompletion=_complete)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The directory to copy it to.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Copy an example to a directory, and say what to type next."""
    known = sources()
    if name not in known:
        raise InvalidInput(f"There is no example {name!r}. The examples are {', '.join(known)}.")
    target = folder / f"{name}.py"
    _write(target, known[name], force)
    first, second, *others = commands(known[name])
    typed = [_within(folder, first), _within(folder, second), *others]
    if as_json:
        print_json({"name": name, "path": str(target.absolute()), "commands": typed})
        return
    say(f"Copied {target}. In one terminal:\n\n{_indented(typed[0])}\n\nIn another one:\n")
    say("\n\n".join(map(_indented, typed[1:])))


def sources() -> dict[str, str]:
    """The examples: their source, by name."""
    folder = files("casework") / "examples"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".py") and file.name[0] != "_")
    return {name.removesuffix(".py"): (folder / name).read_text(encoding="utf-8") for name in names}


def commands(source: str) -> list[str]:
    """The commands to try an example, which its docstring gives: the first one keeps running."""
    return [found[0] for found in re.finditer(r"(?<=^\$ ).*(?:(?<=&&)\n.*)*", _docstring(source), re.MULTILINE)]


def _docstring(source: str) -> str:
    text = ast.get_docstring(ast.parse(source)) or ""
    return re.sub(r"^ {4}", "", text, flags=re.MULTILINE)


def _title(source: str) -> str:
    return _docstring(source).partition("\n")[0].partition(": ")[2].removesuffix(".")


def _write(target: Path, text: str, force: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{target.parent} cannot be a directory: {error.strerror}.") from None
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(f"{target} is there already: give another directory, or --force to replace it.") from None
    except OSError as error:
        raise Conflict(f"{target} cannot be written: {error.strerror}.") from None


def _within(folder: Path, typed: str) -> str:
    return typed if folder == Path() else f"{shell('cd', folder)} && {typed}"


def _indented(typed: str) -> str:
    return "\n".join(f"  {line}" for line in typed.splitlines())
