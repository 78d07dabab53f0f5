"""What the tests of the adapters share: marks, and what they look at."""

import threading
from collections import Counter
from time import monotonic

import pytest

from casework.agents.results import Stopped
from casework.service.execution.executor import call_agent
from casework.settings import Settings
from factories import an_attempt, claim, finish, work
from integrations.conformance import (
    calls,
    look,
    pay,
    read,
    says,
    wait_for,
)

SETTINGS = Settings(agent_modules="integrations.*")


SOON = 5.0
"""Seconds within which a stop has an effect: the models and tools of these tests take longer, or this machine is slow."""


def shows(guarantee):
    return pytest.mark.guarantee(guarantee)


def needs(framework, does):
    if does not in framework.does:
        pytest.skip(f"{framework.name} does not: {does}")


def done(ledger):
    """How often each thing was done."""
    return Counter(line for line in read(ledger) if line.endswith("answered") or not line.startswith("model"))


def once(*lines):
    return Counter(lines)


def seen(result):
    return [(one.type, one.content) for one in result.messages]


def texts(result, type):
    return [one.content for one in result.messages if one.type == type]


TWO = (calls(look("a", "1"), pay("Ann", 5, "2"), pay("Bob", 7, "3")), says("paid"))


CHAIN = (
    says("first", look("a", "1")),
    calls(pay("Ann", 5, "2")),
    calls(look("b", "3")),
    says("last"),
)


def names_of_steps(tried):
    return list(tried(*CHAIN, answers=lambda request: True).ran)


def names_of(tried, script):
    return list(tried(*script).ran)


def stopped_at(line, db, message, ledger):
    """The attempt of the message, asked to stop when the ledger has the line, and the seconds that it took to stop."""
    started = an_attempt(db, message, settings=SETTINGS)
    results = []
    thread = threading.Thread(
        target=lambda: results.append(call_agent(db, SETTINGS, started, lambda effects: None)), daemon=True
    )
    thread.start()
    wait_for(ledger, line)
    asked = monotonic()
    started.stop.request()
    thread.join(60)
    (result,) = results
    assert isinstance(result, Stopped), result
    return started, result, monotonic() - asked


def go_on(db, started, result):
    """Release the attempt, and let another worker finish the run."""
    assert finish(db, started, result, SETTINGS) in ("released", "interrupted")
    (again,) = claim(db)
    assert work(db, again, SETTINGS, worker="other") == "completed"


def released(db, message):
    with db.begin() as tx:
        tx.sql(
            "update runs set stop_requested_at = now(), release_on_stop = true where id = %(id)s",
            {"id": message.run_id},
        )


def kept_of(db, message):
    with db.begin() as tx:
        return [
            tx.sql(f"select count(*) from {table} where run_id = %(id)s", {"id": message.run_id}).scalar_one()
            for table in ("run_steps", "run_messages", "run_state", "run_usage")
        ]
