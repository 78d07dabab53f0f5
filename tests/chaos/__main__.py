"""`python -m chaos [--fault NAME] [--injections N] [--calm SECONDS] [--json FILE]`, from the folder `tests`: exit code 1 if anything broke."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.faults import FAULTS
from chaos.report import COLUMNS
from chaos.storm import CALM_SECONDS, LOADS, Storm


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
    parser.add_argument(
        "--calm",
        type=float,
        default=CALM_SECONDS,
        metavar="SECONDS",
        help="how long the throughput is measured, before the fault and after it",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY", help="keep there what the processes log")
    asked = parser.parse_args()
    # That the broker is away is what some of the faults are about.
    logging.getLogger("casework").setLevel(logging.ERROR)
    console = Console(stderr=True)
    reports = []
    for name in asked.fault or FAULTS:
        log = asked.logs and asked.logs / f"{name}.log"
        storm = Storm(name, asked.seed, LOADS[asked.load], asked.calm, log)
        with console.status(name) as status:
            _run(storm, asked.injections, status.update if console.is_terminal else lambda _: None)
        reports.append(storm.report)
        console.print(" | ".join(reports[-1].row()), soft_wrap=True)
        for problem in reports[-1].problems:
            console.print(f"  {problem}", style="red")
        if asked.json:
            asked.json.write_text(json.dumps([report.as_json() for report in reports], indent=2))
    table = Table(*COLUMNS, box=None)
    for report in reports:
        table.add_row(*report.row())
    Console(width=160).print(table)
    return 0 if not any(report.problems for report in reports) else 1


def _run(storm: Storm, injections: int, note: Callable[[str], None]) -> None:
    """One fault that cannot be made does not keep the others from being tried."""
    try:
        storm.run(injections, note)
    except Exception as error:
        storm.report.mistakes.append(f"the storm broke off: {error!r}")


if __name__ == "__main__":
    sys.exit(main())
