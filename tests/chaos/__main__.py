"""`python -m chaos [--fault NAME] [--injections N] [--json FILE]`, from the folder `tests`: exit code 1 where anything broke."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.faults import FAULTS
from chaos.storm import Report, Storm

COLUMNS = (
    "fault",
    "injections",
    "cases",
    "lost",
    "doubled",
    "cap exceeded",
    "refused late writes",
    "recovery p50 / max",
    "during",
    "after",
)


def row(report: Report) -> list[str]:
    """A report as a row of the table."""
    shares = [f"{part / report.before:.0%}" if report.before else "-" for part in (report.during, report.after)]
    counts = [report.injections, report.cases, report.lost, report.doubled, report.cap_exceeded, report.refused]
    return [report.fault, *map(str, counts), f"{report.p50:.1f} s / {max(report.recoveries, default=0):.1f} s", *shares]


def main() -> int:
    """Run the faults that the command line names, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Faults under load.")
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append", help="this one; repeatable; all without it")
    parser.add_argument("--injections", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    console = Console(stderr=True)
    reports = []
    for name in asked.fault or FAULTS:
        with console.status(name) as status:
            reports.append(
                Storm(name, asked.seed).run(asked.injections, status.update if console.is_terminal else lambda _: None)
            )
        console.print(" | ".join(row(reports[-1])))
    table = Table(*COLUMNS, box=None)
    for report in reports:
        table.add_row(*row(report))
    Console(width=160).print(table)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(report) for report in reports], indent=2))
    return 0 if all(report.good for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
