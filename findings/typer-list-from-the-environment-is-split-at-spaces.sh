#!/usr/bin/env bash
# A list option of Typer that comes from an environment variable is split at spaces, quoted or not
#
# Version: typer 0.29.2
# Guess:   The variable is one value (as one --queue is), or it is split at commas, or like a
#          shell line, so that quotes hold a name with a space together.
# Seen:    It is split at white space only: "a,b" is one queue called "a,b", and '"to review"
#          done' becomes the three names '"to', 'review"' and 'done', with the quotes in them. On
#          the command line --queue "to review" is one value. There is no way to write a value
#          with a space in the variable.
# Source:  typer, typer/core.py, value_from_envvar and split_envvar_value
# Matters: Workers in containers get their queues from the environment and their names from
#          people. The worker starts, listens to queues that do not exist, and stays idle.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    typer==0.29.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import typer
from typer.testing import CliRunner

app = typer.Typer()


@app.command()
def work(queue: list[str] = typer.Option(["default"], envvar="QUEUES")):
    typer.echo(repr(queue))


print("typer", version("typer"))
for value in ("a b", "a,b", '"to review" done', r"to\ review done"):
    print(f"QUEUES={value} ->", CliRunner().invoke(app, [], env={"QUEUES": value}).output.strip())
print("--queue 'to review' ->", CliRunner().invoke(app, ["--queue", "to review"]).output.strip())
PY

cat >"$work/seen" <<'TXT'
typer 0.29.2
QUEUES=a b -> ['a', 'b']
QUEUES=a,b -> ['a,b']
QUEUES="to review" done -> ['"to', 'review"', 'done']
QUEUES=to\ review done -> ['to\\', 'review', 'done']
--queue 'to review' -> ['to review']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
