"""The table, and the JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.figures import Figure
from bench.machine import Machine

Results = Mapping[str, Sequence[Figure]]


def show(results: Results, console: Console) -> None:
    """Print all figures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("part", "figure", "median", "range", "unit", "ratio", "range", "to", "target", ""):
        table.add_column(column, overflow="fold", no_wrap=column in ("part", "median", "ratio", "target"))
    for part, figures in results.items():
        for number, figure in enumerate(figures):
            table.add_row(part if number == 0 else "", *_cells(figure))
        table.add_section()
    console.print(table)


def _cells(figure: Figure) -> list[str]:
    ratio = f"{median(figure.ratios):.2f}" if figure.ratios else ""
    verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[figure.met]
    return [
        figure.name,
        _short(median(figure.values)),
        _range(figure.values),
        figure.unit,
        ratio,
        _range(figure.ratios),
        figure.against,
        str(figure.target or ""),
        verdict,
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _range(values: Sequence[float]) -> str:
    return f"{_short(min(values))} - {_short(max(values))}" if len(values) > 1 else ""


def write(
    results: Results, path: Path, seconds: float, machine: Mapping[str, Machine], left_out: Mapping[str, str]
) -> None:
    """Write all figures as JSON, and why parts have none."""
    document = {
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            **{when: asdict(found) for when, found in machine.items()},
        },
        "seconds": round(seconds),
        "left_out": dict(left_out),
        "figures": [figure.as_object(part) for part, figures in results.items() for figure in figures],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def line(figure: Figure) -> str:
    """One figure in one line, for the log."""
    ratio = f", {median(figure.ratios):.2f} of {figure.against}" if figure.ratios else ""
    verdict = {None: "", True: f" ({figure.target}: met)", False: f" ({figure.target}: missed)"}[figure.met]
    return f"   {figure.name}: {_short(median(figure.values))} {figure.unit}{ratio}{verdict}"
