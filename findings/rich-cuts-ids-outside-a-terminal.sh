#!/usr/bin/env bash
# A Rich table in a pipe or a log file has 80 columns and cuts the ids that do not fit
#
# Version: rich 15.0.0
# Guess:   Width is a matter of the terminal. In a file there is none, so each column is as wide as
#          what it holds, or long values are folded and nothing is lost.
# Seen:    Without a terminal (and without COLUMNS) the width is 80. A column that has no room ends
#          a word with "…": of a UUID eighteen characters are left. Text with spaces is wrapped, so
#          it is names, ids and numbers that are cut. overflow="fold" breaks the id over two lines;
#          only Console(width=...) keeps it whole.
# Source:  Rich documentation, "Console API" (width and height are detected), "Tables" (overflow of
#          a column, default "ellipsis"); seen by running
# Matters: `jobs list | grep` finds nothing, a nightly report has the ids that nobody can look up,
#          and at the desk, in a wide window, everything was there.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    rich==15.0.0

cat >"$work/probe.py" <<'PY'
import sys
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

ROW = ("0199c6a1-7b2e-7cc3-98c4-dc0c0c07398f", "refunds-north", "4711-2026-0000123", "May I pay 1,200 euros to Ann?")


def table(**options):
    built = Table(box=None)
    for name in ("case", "queue", "order", "question"):
        built.add_column(name, **options)
    built.add_row(*ROW)
    return built


print("rich", version("rich"), "terminal:", sys.stdout.isatty())
for name, options in (("default", {}), ("fold", {"overflow": "fold"})):
    console = Console()
    with console.capture() as captured:
        console.print(table(**options))
    print(f"{name}, width {console.width}: whole id in one line:", ROW[0] in captured.get(), end=", ")
    print("something cut:", "\N{HORIZONTAL ELLIPSIS}" in captured.get())
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
PY

cat >"$work/seen" <<'TXT'
rich 15.0.0 terminal: False
default, width 80: whole id in one line: False, something cut: True
 case                   queue          order              question
 0199c6a1-7b2e-7cc3-9…  refunds-north  4711-2026-0000123  May I pay 1,200 euros
                                                          to Ann?
fold, width 80: whole id in one line: False, something cut: False
 case                   queue          order              question
 0199c6a1-7b2e-7cc3-98  refunds-north  4711-2026-0000123  May I pay 1,200 euros
 c4-dc0c0c07398f                                          to Ann?
TXT

cd "$work"
unset COLUMNS
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
