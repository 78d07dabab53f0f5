#!/usr/bin/env bash
# A DBOS workflow that failed with an exception of one's own fails with TypeError when it is asked
# again
#
# Version: dbos 3.4.0 (SQLite system database)
# Guess:   The error of a workflow is recorded: a second call with the same workflow id, and
#          retrieve_workflow().get_result(), raise the same exception.
# Seen:    The first call raises OutOfStock. Each later one raises TypeError ("missing 1 required
#          positional argument"), since exceptions are pickled and an exception whose constructor
#          takes other arguments than it hands to super().__init__() cannot be unpickled.
# Source:  dbos, dbos/_serialization.py (exceptions are pickled); Python library reference,
#          pickle, object.__reduce__
# Matters: The caller that retries after a crash matches on the exception to decide (refund, ask,
#          give up) and meets a TypeError in place of it, only on the durable path that tests
#          seldom take.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dbos==3.4.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from dbos import DBOS, SetWorkflowID


class OutOfStock(Exception):
    def __init__(self, article, missing):
        super().__init__(f"{missing} of {article} are missing")


class Plain(Exception):
    pass


DBOS(
    config={
        "name": "probe",
        "system_database_url": "sqlite:///dbos.sqlite",
        "run_admin_server": False,
        "log_level": "CRITICAL",
    }
)


@DBOS.workflow()
def order(own):
    raise OutOfStock("lamps", 3) if own else Plain("3 of lamps are missing")


DBOS.launch()
print("dbos", version("dbos"))
for name, own in (("own constructor", True), ("ordinary exception", False)):
    for attempt in ("first call", "second call"):
        try:
            with SetWorkflowID(name):
                order(own)
        except Exception as error:
            print(f"{name}, {attempt}: {type(error).__name__}: {error}")
    try:
        DBOS.retrieve_workflow(name).get_result()
    except Exception as error:
        print(f"{name}, get_result: {type(error).__name__}")
DBOS.destroy()
PY

cat >"$work/seen" <<'TXT'
dbos 3.4.0
own constructor, first call: OutOfStock: 3 of lamps are missing
own constructor, second call: TypeError: OutOfStock.__init__() missing 1 required positional argument: 'missing'
own constructor, get_result: TypeError
ordinary exception, first call: Plain: 3 of lamps are missing
ordinary exception, second call: Plain: 3 of lamps are missing
ordinary exception, get_result: Plain
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
