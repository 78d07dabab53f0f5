"""`python -m compat [NAME...] [--write]`, from the folder `tests`: exit code 1 if a setup does not work."""

import argparse
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from time import monotonic

from compat import report
from compat.packages import Missing
from compat.report import Result
from compat.setups import SETUPS, walk


def main() -> int:
    """Walk the path on the setups that the command line names, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m compat", description="The path of a small installation, on others' servers."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all without one; {', '.join(SETUPS)}")
    parser.add_argument("--write", action="store_true", help="put those that work into the table in deploy/README.md")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(SETUPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(SETUPS)}")
    for name in [name for name in os.environ if name.startswith("CASEWORK_")]:
        del os.environ[name]
    # So that the servers end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    results = []
    for name in asked.names or SETUPS:
        results.append(_run(name))
        if asked.write:
            report.write(results, list(SETUPS))
    print(report.table(results))
    return 1 if any(result.outcome == "fails" for result in results) else 0


def _run(name: str) -> Result:
    begun = monotonic()
    versions = ""
    with tempfile.TemporaryDirectory(prefix="compat-", ignore_cleanup_errors=True) as home:
        try:
            versions = walk(SETUPS[name], Path(home))
            outcome, reason = "works", ""
        except Missing as error:
            outcome, reason = "skipped", str(error)
        except Exception as error:
            traceback.print_exc()
            _show_logs(Path(home))
            outcome, reason = "fails", str(error)
    print(f"{name}: {outcome} {reason} ({monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
    return Result(name, SETUPS[name].title, versions, outcome)


def _show_logs(home: Path) -> None:
    for log in sorted(home.rglob("*.log")):
        print(f"-- {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
