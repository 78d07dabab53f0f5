#!/usr/bin/env bash
# Completing a word at the shell loads pydantic, which the program's help does not
#
# Version: typer 0.29.2, pydantic 2.14.4
# Guess:   Completion only needs the names of commands and options, and is as light as --help.
# Seen:    Each completion converts the root's options, for which typer imports pydantic:
#          --help ends without it, a completion does not.
# Source:  typer 0.29.2, typer/_param_types.py (imports TypeAdapter when a value is converted)
# Matters: The shell starts the program for each press of the tab key. The import is a good part
#          of what a small program takes, and every program with an option that is no text pays it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check typer==0.29.2 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
import atexit
import sys

import typer

app = typer.Typer()


@app.callback()
def main(verbose: bool = False) -> None:
    """A program with one option."""


@app.command()
def show(name: str) -> None:
    """Show something."""


@app.command()
def remove(name: str) -> None:
    """Remove something."""


if __name__ == "__main__":
    atexit.register(lambda: print("pydantic is loaded:", "pydantic" in sys.modules))
    app(prog_name="probe")
PY

cat >"$work/seen" <<'TXT'
typer 0.29.2
help: pydantic is loaded: False
completion: pydantic is loaded: True
TXT

cd "$work"
{
    echo "typer $(venv/bin/python -c 'from importlib.metadata import version; print(version("typer"))')"
    echo "help: $(venv/bin/python probe.py --help | tail -1)"
    echo "completion: $(_PROBE_COMPLETE=complete_bash COMP_WORDS="probe sh" COMP_CWORD=1 venv/bin/python probe.py | tail -1)"
} >now
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
