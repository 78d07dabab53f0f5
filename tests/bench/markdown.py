"""`python -m bench.markdown FILE.json [--write]`: a measurement as a Markdown table, for the README beside this file."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parent / "README.md"
HEADER = ("| part | figure | median | as a ratio | bar | |", "|---|---|---|---|---|---|")


def table(document: dict[str, Any]) -> str:
    """All figures, those without a bar too."""
    return "\n".join((*HEADER, *(_row(figure) for figure in document["figures"])))


def write(made: str, readme: Path) -> None:
    """Put the table in the place of the one before it."""
    place = re.compile(r"(?s)(<!-- measured -->\n).*?(\n<!-- end of measured -->)")
    readme.write_text(place.sub(lambda found: f"{found[1]}{made}{found[2]}", readme.read_text()))


def _row(figure: dict[str, Any]) -> str:
    value = f"{_short(figure['median'])} {figure['unit']}".strip()
    ratio = f"{figure['ratio']:.2f} of {figure['against']}" if figure["ratio"] is not None else ""
    verdict = {None: "", True: "met", False: "missed"}[figure["met"]]
    return f"| {figure['part']} | {figure['name']} | {value} | {ratio} | {figure['target'] or ''} | {verdict} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.markdown")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the table in README.md beside this file")
    options = parser.parse_args()
    made = table(json.loads(options.file.read_text()))
    if options.write:
        write(made, README)
    else:
        print(made)
