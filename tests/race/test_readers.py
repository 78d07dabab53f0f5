"""Readers hold nobody up, and see one moment."""

import threading
from contextlib import contextmanager

import pytest
from acts import complete, retry, start, tick
from scenes import claimed, pending, running
from waiting import Halted, Rival

from casework.core.model import CaseFilter, LabelRef, NewCase
from casework.errors import DatabaseUnavailable, NotFound
from casework.service import cases, labels, listing
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import Reason
from casework.service.diagnosis.queue import diagnose
from casework.store import agents as agent_store
from casework.store import cases as case_store
from casework.store import queues as queue_store
from casework.store import transitions
from factories import SETTINGS, TEAM, claim, some_cases, worked_queue
from factories import start as started


class HeldOpen:
    """A database whose reader stops at the end of its transaction, for something else to happen."""

    def __init__(self, db, act):
        self._db, self._act = db, act
        self.happened = 0

    def __getattr__(self, name):
        return getattr(self._db, name)

    @contextmanager
    def begin(self):
        yield from self._held(self._db.begin())

    @contextmanager
    def snapshot(self):
        yield from self._held(self._db.snapshot())

    def _held(self, transaction):
        with transaction as tx:
            yield tx
            self.happened += 1
            self._act(tx)


def read_explanation(db, scene):
    return explain(db, SETTINGS, TEAM, scene.case)


def read_labels_of_a_case(db, scene):
    return labels.of_case(db, TEAM, scene.queue.id, scene.case, limit=10, offset=0)


def read_diagnosis(db, scene):
    return diagnose(db, SETTINGS, TEAM)


def read_case(db, scene):
    return cases.get(db, TEAM, scene.case)


def read_list(db, scene):
    return listing.page(db, listing.Counts(), TEAM, scene.queue.id, CaseFilter(), limit=10)


READERS = pytest.mark.parametrize(
    "read",
    [read_explanation, read_labels_of_a_case, read_diagnosis, read_case, read_list],
    ids=lambda read: read.__name__,
)


@READERS
@pytest.mark.parametrize(
    ("scene", "act", "outcome"),
    [
        (pending, tick, "claims 1"),
        (claimed, start, "started"),
        (running, complete, "completed"),
        (running, retry, "moved"),
    ],
    ids=["claim", "start", "completion", "retry"],
)
def test_readers_hold_up_no_claim_start_outcome_or_person(committed, read, scene, act, outcome):
    scene = scene(committed)
    locks, outcomes = [], []

    def look(tx):
        locks.extend(locks_of(tx))
        outcomes.append(Rival(lambda: act(scene)).result())

    reader = HeldOpen(committed, look)
    read(reader, scene)
    assert outcomes == [outcome]
    assert set(locks) <= {"AccessShareLock", ("virtualxid", "ExclusiveLock")}


def locks_of(tx):
    """What the transaction has locked. One that locks a row has a transaction id, and RowShareLock on its table."""
    rows = tx.sql("select locktype, mode from pg_locks where pid = pg_backend_pid()")
    return [row.mode if row.locktype == "relation" else tuple(row) for row in rows]


LOCKING = {
    "a case": lambda tx, scene: case_store.lock(tx, scene.cases),
    "a queue": lambda tx, scene: queue_store.lock_for_adding(tx, scene.queue.id),
    "an agent": lambda tx, scene: agent_store.lock(tx, scene.agent.id),
}


@pytest.mark.parametrize("lock", LOCKING.values(), ids=LOCKING)
def test_server_refuses_row_locks_in_a_snapshot(committed, lock):
    scene = pending(committed)
    with pytest.raises(DatabaseUnavailable, match="read-only transaction"), committed.snapshot() as tx:
        lock(tx, scene)
    with committed.begin() as tx:
        lock(tx, scene)


def test_claims_and_completions_go_on_while_explain_is_polled(committed):
    queue, _ = worked_queue(committed)
    done = threading.Event()
    explained = []

    def poll():
        while not done.is_set():
            for case_id in ids:
                explained.append(explain(committed, SETTINGS, TEAM, case_id).code)

    ids = some_cases(committed, queue, 40)
    pollers = [Rival(poll) for _ in range(2)]
    try:
        for _ in range(10):
            messages = claim(committed)
            assert len(messages) == 40
            fences = [started(committed, message) for message in messages]
            with committed.begin() as tx:
                tx.sql("set local lock_timeout = '2s'")
                assert all(transitions.complete(tx, fence, None) for fence in fences)
            cases.retry(committed, SETTINGS, queue.id, ids)
    finally:
        done.set()
    for poller in pollers:
        poller.result()
    assert len(explained) > 40
    assert Reason.OLD_RUN_STOPPING not in explained


@pytest.mark.parametrize("number", range(1, 5))
def test_explain_sees_one_moment_while_the_case_is_claimed(committed, number):
    """The claim comes before its n-th statement. Seen in part, it would look like a former run or a full consumer."""
    scene = pending(committed)
    claims = []
    reader = Halted(
        committed, lambda: claims.append(Rival(lambda: tick(scene)).result()), before="select", commit=number
    )
    code = explain(reader, SETTINGS, TEAM, scene.case).code
    assert (reader.happened, claims) == (True, ["claims 1"])
    assert code == (Reason.NO_WORKER if number == 1 else Reason.NO_TICKER)


def test_explain_does_not_wait_for_a_deletion(committed):
    scene = pending(committed)
    with committed.begin() as tx:
        case_store.lock(tx, scene.cases)
        case_store.delete(tx, scene.cases)
        assert Rival(lambda: explain(committed, SETTINGS, TEAM, scene.case)).result().code == Reason.NO_TICKER
    with pytest.raises(NotFound):
        explain(committed, SETTINGS, TEAM, scene.case)


def test_case_and_history_are_of_one_moment(committed):
    scene = pending(committed)
    (case_id,) = cases.create(committed, scene.queue.id, [NewCase("case", labels=(LabelRef("urgent"),))]).value
    reader = Halted(committed, lambda: Rival(lambda: tick(scene)).result(), before="from case_history")
    case, events = cases.get(reader, TEAM, case_id)
    assert reader.happened
    assert (case.status, [event.type for event in events]) == ("pending", ["created"])
