import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

import typer

from casework.cli.console import Json, print_json, say, table
from casework.errors import InvalidInput


def guide(
    name: Annotated[str | None, typer.Argument(help="The guide to show. Without it, all guides are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Show a guide, or list the guides."""
    guides = _guides()
    if name is None:
        _list(guides, as_json)
        return
    if name not in guides:
        raise InvalidInput(f"There is no guide {name!r}. The guides are {', '.join(guides)}.")
    text = guides[name].read_text(encoding="utf-8")
    if as_json:
        print_json({"name": name, "text": text})
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        from casework.cli import terminal

        terminal.out().print(Markdown(text, hyperlinks=False))
    else:
        say(text.rstrip())


def _guides() -> dict[str, Traversable]:
    folder = files("casework") / "guides"
    found = {file.name.removesuffix(".md"): file for file in folder.iterdir() if file.name.endswith(".md")}
    return dict(sorted(found.items()))


def _list(guides: dict[str, Traversable], as_json: bool) -> None:
    titles = {name: _title(file) for name, file in guides.items()}
    if as_json:
        print_json([{"name": name, "title": title} for name, title in titles.items()])
    else:
        table(("guide", "title"), titles.items())


def _title(file: Traversable) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
