"""`python -m chaos.markdown FILE.json [--write]`: a storm as a Markdown table, for the README beside this file."""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from bench.markdown import write
from chaos.faults import FAULTS

README = Path(__file__).parent / "README.md"
COLUMNS = (
    "name",
    "cases",
    "lost",
    "doubled",
    "cap exceeded",
    "late writes refused",
    "recovery p50 / max",
    "throughput during, after",
)


def table(reports: list[dict[str, Any]]) -> str:
    """The figures of the faults, in the order of the storm."""
    injections = max((report["injections"] for report in reports), default=0)
    columns = (f"fault, {injections} times each", *COLUMNS)
    return "\n".join((f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *map(_row, reports)))


def _row(report: dict[str, Any]) -> str:
    times = report["recoveries"]
    recovery = f"{statistics.median(times):.1f} s / {max(times):.1f} s" if times else "-"
    before = report["before"]
    shares = [f"{report[when] / before:.0%}" if before else "-" for when in ("during", "after")]
    counts = [report[name] for name in ("cases", "lost", "doubled", "cap_exceeded", "refused")]
    return f"| {' | '.join([title(report['fault']), *map(str, counts), recovery, ', '.join(shares)])} |"


def title(fault: str) -> str:
    """What is done, as the fault's function says it, and the fault's name."""
    return f"{' '.join((FAULTS[fault].inject.__doc__ or '').split()).rstrip('.')} | `{fault}`"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m chaos.markdown")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the table in README.md beside this file")
    options = parser.parse_args()
    made = table(json.loads(options.file.read_text()))
    if options.write:
        write(made, README)
    else:
        print(made)
