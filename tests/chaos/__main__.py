"""`python -m chaos [--fault NAME] [--injections N] [--json FILE]`, from the folder `tests`: exit code 1 where anything broke."""

import argparse
import json
import logging
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.faults import FAULTS
from chaos.report import COLUMNS
from chaos.storm import LOADS, Storm


def main() -> int:
    """Run the faults that the command line names, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Faults under load.")
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append", help="this one; repeatable; all without it")
    parser.add_argument("--injections", type=int, default=5)
    parser.add_argument(
        "--load",
        choices=LOADS,
        default="mixed",
        help="cases of 20 to 200 ms, or of 2 ms at most that share messages, or have one each",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    # That the broker is away is what some of the faults are about.
    logging.getLogger("casework").setLevel(logging.ERROR)
    console = Console(stderr=True)
    reports = []
    for name in asked.fault or FAULTS:
        with console.status(name) as status:
            reports.append(
                Storm(name, asked.seed, LOADS[asked.load]).run(
                    asked.injections, status.update if console.is_terminal else lambda _: None
                )
            )
        console.print(" | ".join(reports[-1].row()), soft_wrap=True)
        for problem in reports[-1].problems:
            console.print(f"  {problem}", style="red")
    table = Table(*COLUMNS, box=None)
    for report in reports:
        table.add_row(*report.row())
    Console(width=160).print(table)
    if asked.json:
        asked.json.write_text(json.dumps([report.as_json() for report in reports], indent=2))
    return 0 if not any(report.problems for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
