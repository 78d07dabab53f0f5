#!/usr/bin/env bash
# Rich leaves out words in square brackets, without an error, unless they look like no tag
#
# Version: rich 15.0.0
# Guess:   Markup is for known styles: [bold] is one, "[urgent]" and "list[int]" are printed as
#          they are, or an unknown style raises.
# Seen:    Every bracket whose content starts with a small letter (or # / @) is a tag: "[urgent]"
#          and "[red alert]" vanish, list[int] becomes list, [key=1] becomes nothing. [Customer:
#          Ann], [123] and ids[0] stay. "[/]" raises MarkupError. console.print(...,
#          markup=False) or escape() keeps all.
# Source:  rich documentation, Console Markup; rich/markup.py, RE_TAGS
# Matters: Titles of cases, log lines and error texts of other systems are printed in CLIs and
#          tables. The operator sees a title without its most important word.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    rich==15.0.0

cat >"$work/probe.py" <<'PY'
import io
from importlib.metadata import version

from rich.console import Console
from rich.errors import MarkupError
from rich.table import Table

print("rich", version("rich"))


def printed(thing):
    out = io.StringIO()
    Console(file=out, width=60).print(thing)
    return out.getvalue().strip()


for text in ("[urgent] refund", "[Urgent] refund", "a list[int]", "ids[0]", "[123] refund", "[key=1]", "see [/]"):
    try:
        print(f"{text!r} -> {printed(text)!r}")
    except MarkupError as error:
        print(f"{text!r} -> {type(error).__name__}")
table = Table("title", box=None, show_header=False)
table.add_row("[urgent] refund")
print("in a table ->", repr(printed(table)))
PY

cat >"$work/seen" <<'TXT'
rich 15.0.0
'[urgent] refund' -> 'refund'
'[Urgent] refund' -> '[Urgent] refund'
'a list[int]' -> 'a list'
'ids[0]' -> 'ids[0]'
'[123] refund' -> '[123] refund'
'[key=1]' -> ''
'see [/]' -> MarkupError
in a table -> 'refund'
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
