"""A stop reaches every adapter, and a released run goes on elsewhere. See `conformance.py`."""

import threading

import pytest

from casework.agents.results import Lost
from casework.core.lifecycle import CaseStatus
from casework.service import cases, runs
from casework.service.execution.executor import call_agent
from factories import TEAM, an_attempt, the_case
from integrations.conformance import (
    Call,
    Does,
    Guarantee,
    calls,
    look,
    read,
    says,
    wait_for,
)
from integrations.shown import (
    CHAIN,
    SETTINGS,
    SOON,
    done,
    go_on,
    kept_of,
    needs,
    once,
    released,
    shows,
    stopped_at,
)


@shows(Guarantee.STOPS)
@pytest.mark.parametrize("point", ["step", "step:2", "step:3", "say", "usage:2"])
def test_a_released_run_goes_on_elsewhere_without_an_attempt(tried, ledger, point):
    tried(*CHAIN, answers=lambda request: True)
    expected = done(ledger)
    result = tried(*CHAIN, answers=lambda request: True, release_at=point)
    assert (result.status, result.failed) == (CaseStatus.COMPLETED, [])
    assert done(ledger) == expected


@shows(Guarantee.STOPS)
def test_a_tool_that_swallows_a_stop_does_not_hide_it(tried, ledger):
    script = (calls(Call("swallow", {}, "1")), says("done"))
    result = tried(*script, stop_at="check")
    assert (result.status, result.reason) == (CaseStatus.FAILED, "stopped by a person")
    assert done(ledger)["model 2 answered"] == 0
    again = tried(*script, release_at="check")
    assert (again.status, again.failed) == (CaseStatus.COMPLETED, [])


@shows(Guarantee.STOPS)
def test_a_stop_reaches_a_model_call_at_once(db, real, ledger):
    message = real(calls(look("a", "1")), says("done", seconds=60))
    _, _, took = stopped_at("model 2", db, message, ledger)
    assert took < SOON
    assert done(ledger) == once("model 1 answered", "look a")


@shows(Guarantee.STOPS)
def test_a_stop_reaches_an_async_tool_at_once(db, real, ledger):
    message = real(calls(Call("wait", {"seconds": 60}, "1")), says("done"))
    _, _, took = stopped_at("wait begins", db, message, ledger)
    assert took < SOON
    assert "wait ends" not in read(ledger)


@shows(Guarantee.STOPS)
def test_a_stop_waits_for_a_plain_tool_whose_result_is_kept(framework, db, real, ledger):
    needs(framework, Does.PLAIN_TOOLS)
    message = real(calls(Call("block", {"seconds": 1}, "1")), says("done"))
    started, result, _ = stopped_at("block begins", db, message, ledger)
    assert read(ledger)[-1] == "block ends"
    released(db, message)
    go_on(db, started, result)
    assert done(ledger) == once("model 1 answered", "block begins", "block ends", "model 2 answered")


@shows(Guarantee.STOPS)
def test_an_attempt_that_lost_its_case_writes_nothing_and_ends(db, real, ledger, tmp_path):
    lost = tmp_path / "the case is lost"
    message = real(calls(look("a", "1")), says("done", until=lost))
    started, results = an_attempt(db, message, settings=SETTINGS), []
    thread = threading.Thread(
        target=lambda: results.append(call_agent(db, SETTINGS, started, lambda effects: None)), daemon=True
    )
    thread.start()
    # From here until the file is there, the attempt waits for its model and leaves the connection alone.
    wait_for(ledger, "model 2")
    before = kept_of(db, message)
    cases.settle(db, SETTINGS, the_case(db, started.case.id).queue_id, [started.case.id], CaseStatus.FAILED)
    lost.touch()
    thread.join(60)
    (result,) = results
    assert isinstance(result, Lost), result
    assert kept_of(db, message) == before
    assert runs.get(db, TEAM, message.run_id).refused_writes > 0
