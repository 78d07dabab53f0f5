#!/usr/bin/env bash
# Jinja's unique and groupby take the ids aB1 and AB1 for the same
#
# Version: Jinja2 3.1.6
# Guess:   unique keeps each different value, as set() does, and groupby makes a group for each
#          value of the attribute.
# Seen:    Strings are compared without their case by default: of three ids one is left, and
#          groupby puts three customers' rows under the first one's name. sort, min and max ignore
#          the case too. case_sensitive=true gives what one expects; {{ a == b }} and `in` are
#          exact.
# Source:  Jinja documentation, List of Builtin Filters, unique, groupby and sort
#          (case_sensitive=False)
# Matters: Short random ids, tokens and message ids differ in case only now and then. The letter
#          that a template writes to one customer then lists another one's orders, and no test
#          with ids like A1 and B2 shows it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    Jinja2==3.1.6

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import jinja2

print("Jinja2", version("jinja2"))
environment = jinja2.Environment()
rows = [{"customer": "aB1", "order": "pen"}, {"customer": "AB1", "order": "desk"}, {"customer": "ab1", "order": "lamp"}]
for option in ("", "case_sensitive=true"):
    comma = ", " if option else ""
    ids = f"{{{{ rows | map(attribute='customer') | unique({option}) | join(', ') }}}}"
    groups = (
        f"{{% for customer, group in rows | groupby('customer'{comma}{option}) %}}"
        "[{{ customer }}: {{ group | map(attribute='order') | join(', ') }}]{% endfor %}"
    )
    print(option or "default")
    print("  unique: ", environment.from_string(ids).render(rows=rows))
    print("  groupby:", environment.from_string(groups).render(rows=rows))
PY

cat >"$work/seen" <<'TXT'
Jinja2 3.1.6
default
  unique:  aB1
  groupby: [aB1: pen, desk, lamp]
case_sensitive=true
  unique:  aB1, AB1, ab1
  groupby: [AB1: desk][aB1: pen][ab1: lamp]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
