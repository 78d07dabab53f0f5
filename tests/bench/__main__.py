"""`python -m bench`, from tests/."""

import argparse
import gc
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from time import monotonic

from rich.console import Console

from bench import beside, report
from bench.figures import Figure
from bench.ground import Ground, Skipped
from bench.machine import look
from bench.parts import PARTS, load
from bench.peers.catalog import PEERS

CHECKED = ("idle-tick", "outcomes", "dispatch", "end-to-end")
MARGIN = 3.0


def main() -> None:
    """Measure, and print one table."""
    options = _options()
    # What it has started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    for name in [name for name in os.environ if name.startswith("CASEWORK_") and "_TEST_" not in name]:
        del os.environ[name]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 190)
    begun = monotonic()
    results: dict[str, list[Figure]] = {}
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="casework-bench-", ignore_cleanup_errors=True) as home:
        # As a worker does, in whose place this process claims, starts and ends runs.
        gc.freeze()
        ground = Ground(
            Path(home), options.rounds, options.quick, options.large, _say, options.soak, options.long, options.peers
        )
        machine = {"before": look(ground.home)}
        for name in options.only or PARTS:
            try:
                results[name] = _measure(name, ground, options)
            except Exception as reason:
                left_out[name] = str(reason) if isinstance(reason, Skipped) else f"{type(reason).__name__}: {reason}"
                _say(f"   left out: {left_out[name]}")
                if not isinstance(reason, Skipped):
                    results[name] = []
            machine["after"] = look(ground.home)
            if options.json:
                report.write(results, options.json, monotonic() - begun, machine, left_out)
    report.show(results, console)
    console.print(f"{monotonic() - begun:.0f} s, {options.rounds} rounds")
    for when, found in machine.items():
        console.print(f"machine {when}: {found}")
    if options.check and (lost := [one for figures in results.values() for one in figures if one.lost(MARGIN)]):
        sys.exit(f"far behind the target: {', '.join(f'{one.name} to {one.against or one.target}' for one in lost)}")
    failed = [name for name, figures in results.items() if not figures]
    if failed:
        sys.exit(f"without figures, because of an error: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure casework against its peers.")
    parser.add_argument("--only", action="append", choices=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=0, help="alternating rounds; 5, with --quick 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, after each part")
    parser.add_argument("--large", action="store_true", help="with a backlog of 10 million cases")
    parser.add_argument("--long", action="store_true", help="urgent cases among runs of 20 s")
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything work?")
    parser.add_argument(
        "--check", action="store_true", help=f"--quick, some parts, and exit code 1 for a ratio {MARGIN} times off"
    )
    parser.add_argument(
        "--soak", type=float, nargs="?", const=60.0, default=0.0, metavar="MINUTES", help="a steady load; 60 minutes"
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=list(PEERS),
        metavar="NAME",
        help=f"install peers for the moment, and measure them: {', '.join(PEERS)}",
    )
    parser.add_argument(
        "--base",
        type=Path,
        metavar="DIR",
        help="another build beside this one: a checkout of an earlier version, or a virtual environment that has it",
    )
    options = parser.parse_args()
    try:
        options.base = options.base and beside.build_in(options.base)
    except ValueError as error:
        parser.error(str(error))
    if options.check:
        options.quick, options.only = True, options.only or list(CHECKED)
    options.rounds = options.rounds or (3 if options.check else 2 if options.quick else 5)
    return options


def _measure(name: str, ground: Ground, options: argparse.Namespace) -> list[Figure]:
    begun = monotonic()
    _say(f"== {name}")
    with ground.part():
        try:
            if options.base:
                flags = [f"--{flag}" for flag in ("quick", "large", "long") if getattr(options, flag)]
                flags += ["--soak", str(options.soak)]
                figures = beside.measure(name, ground, options.base, flags)
            else:
                part = load(name)
                _say(f"   {(part.__doc__ or '').splitlines()[0]}")
                figures = part.measure(ground)
        except Skipped:
            raise
        except Exception:
            traceback.print_exc()
            _say(ground.processes.last_words())
            raise
    for figure in figures:
        _say(report.line(figure))
    _say(f"   {monotonic() - begun:.0f} s")
    return figures


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
