"""What a run keeps for itself, and what its models have used: fenced, and kept until the case is deleted."""

import pytest

from casework.agents.state import RunState
from casework.agents.stop import Interrupted, Stop
from casework.core.lifecycle import CaseStatus
from casework.core.state import MAX_BYTES
from casework.core.usage import Usage
from casework.errors import InvalidInput, RunLost
from casework.service import cases
from casework.service.run_backend import RunBackend
from casework.store import runs
from factories import TEAM, an_attempt, claim, some_cases, the_run, worked_queue


@pytest.fixture
def queue(db):
    return worked_queue(db, "sample_agents:asks")[0]


@pytest.fixture
def held(db, queue):
    """A case, and the message and attempt of the run that holds it."""
    (case_id,) = some_cases(db, queue)
    (message,) = claim(db)
    return case_id, message, an_attempt(db, message)


@pytest.fixture
def backend(db, held):
    return RunBackend(db, held[2].holder, lambda effects: None)


@pytest.fixture
def state(backend):
    return RunState(backend, Stop())


def states(db):
    with db.begin() as tx:
        return tx.sql("select count(*) from run_state").scalar_one()


def test_a_state_is_what_was_saved_last(state):
    assert state.load("a") is None
    state.save("a", b"1")
    state.save("a", b"\x00\xff")
    state.save("dir/b%", b"")
    assert (state.load("a"), state.load("dir/b%")) == (b"\x00\xff", b"")
    assert (state.names(), state.names("dir/"), state.names("%")) == (["a", "dir/b%"], ["dir/b%"], [])
    state.delete("a")
    state.delete("a")
    assert state.names() == ["dir/b%"]


@pytest.mark.parametrize("act", ["load", "save", "names", "delete"])
def test_a_run_that_lost_its_case_neither_reads_nor_writes_states(db, settings, queue, held, state, act):
    state.save("a", b"1")
    cases.settle(db, settings, queue.id, [held[0]], CaseStatus.FAILED)
    with pytest.raises(RunLost):
        {
            "load": lambda: state.load("a"),
            "save": lambda: state.save("a", b"2"),
            "names": state.names,
            "delete": lambda: state.delete("a"),
        }[act]()
    assert the_run(db, held[1]).refused_writes == 1
    with db.begin() as tx:
        assert tx.sql("select value from run_state").scalar_one() == b"1"


def test_the_states_of_a_deleted_case_are_gone(db, settings, queue, held, state):
    state.save("a", b"1")
    cases.delete(db, settings, queue.id, [held[0]])
    assert states(db) == 0
    with pytest.raises(RunLost):
        state.save("a", b"1")
    assert states(db) == 0


def test_what_was_finished_before_a_stop_can_be_saved(backend):
    stop = Stop()
    stop.request()
    RunState(backend, stop).save("a", b"1")
    with pytest.raises(Interrupted):
        RunState(backend, stop).load("a")


@pytest.mark.parametrize(
    ("name", "value"), [("", b""), ("n" * 201, b""), (1, b""), ("a", "text"), ("a", bytes(MAX_BYTES + 1)), ("\0", b"")]
)
def test_what_cannot_be_a_state_is_refused(db, state, name, value):
    with pytest.raises(InvalidInput):
        state.save(name, value)
    assert states(db) == 0


def test_usage_adds_up_and_counts_a_key_once(db, held, backend):
    assert the_run(db, held[1]).usage == Usage()
    backend.add_usage(Usage(10, 5, 1, 0.1, ("m",)), "first")
    backend.add_usage(Usage(10, 5, 1, 0.1, ("m",)), "first")
    backend.add_usage(Usage(1, 2, 1, 0.2, ("n",)), "second")
    backend.add_usage(Usage(requests=1), "third")
    expected = Usage(11, 7, 3, 0.3, ("m", "n"))
    assert the_run(db, held[1]).usage == expected
    with db.begin() as tx:
        (listed,) = runs.find(tx, TEAM, limit=10)
    assert listed.usage == expected


def test_a_run_that_lost_its_case_counts_nothing(db, settings, queue, held, backend):
    cases.settle(db, settings, queue.id, [held[0]], CaseStatus.FAILED)
    with pytest.raises(RunLost):
        backend.add_usage(Usage(requests=1), "late")
    assert the_run(db, held[1]).usage == Usage()


def test_what_a_block_records_is_written_at_its_end(db, held, backend):
    def written():
        with db.begin() as tx:
            return tx.sql(
                "select (select count(*) from run_messages), (select count(*) from run_steps), (select count(*) from run_usage)"
            ).one()

    with backend.together():
        backend.say("text", {"text": "a"}, "a")
        backend.record_step("s", "1")
        backend.add_usage(Usage(requests=1), "u")
        assert tuple(written()) == (0, 0, 0)
    assert tuple(written()) == (1, 1, 1)
    with pytest.raises(Interrupted), backend.together():
        backend.record_step("finished before the stop", "1")
        raise Interrupted
    assert tuple(written()) == (1, 2, 1)


def test_a_block_of_a_run_that_lost_its_case_writes_nothing(db, settings, queue, held, backend):
    with pytest.raises(RunLost), backend.together():
        backend.say("text", {"text": "a"}, "a")
        backend.record_step("s", "1")
        cases.settle(db, settings, queue.id, [held[0]], CaseStatus.FAILED)
    run = the_run(db, held[1])
    assert run.refused_writes == 1
    with db.begin() as tx:
        assert tx.sql("select count(*) from run_steps").scalar_one() == 0
