"""`python -m bench.markdown FILE.json [--all]`: the table of a measurement as Markdown, for a README."""

import argparse
import json
from pathlib import Path
from typing import Any


def table(document: dict[str, Any], everything: bool) -> str:
    """Figures that are held against a bar, or all of them."""
    rows = ["| part | figure | median | as a ratio | bar | |", "|---|---|---|---|---|---|"]
    for figure in document["figures"]:
        if figure["target"] or everything:
            rows.append(_row(figure))
    return "\n".join(rows)


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
    parser.add_argument("--all", action="store_true", help="figures without a bar too")
    options = parser.parse_args()
    print(table(json.loads(options.file.read_text()), options.all))
