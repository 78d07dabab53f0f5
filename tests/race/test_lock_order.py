"""Queues, agents, consumers, limits, their lines by id, cases by id, runs by id, human requests, counters: who follows that order cannot wait in a circle."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import acts
import limit_acts
import pytest
from acts import told
from crowd import ASKED, CLAIMED, NEXT, RUNNING, crowd, forget, keep, limited_crowd, restore
from invariants import broken
from waiting import Halted, Rival, wait_until_still

from casework.store.database import Database
from seams import Seam, Through

pytestmark = pytest.mark.usefixtures("full_queues")

ORDER = ["queues", "agents", "consumers", "limits", "limit_lines", "cases", "runs", "human_requests", "counters"]

ACTS = [
    acts.tick,
    acts.sweep,
    acts.start,
    acts.start_all,
    acts.beat,
    acts.leave,
    acts.shut_down,
    acts.complete,
    acts.complete_all,
    acts.complete_and_start,
    acts.complete_anew,
    acts.ask,
    acts.hand_over,
    acts.say,
    acts.change_as_run,
    acts.retry,
    acts.delegate,
    acts.settle,
    acts.delete,
    acts.stop,
    acts.answer,
    acts.change,
    acts.label,
    acts.make_label,
    limit_acts.rename_label,
    acts.create_keyed,
    acts.pause,
    acts.drain,
    acts.connect,
    acts.weigh,
    acts.regroup,
    limit_acts.serve_lines,
    limit_acts.limit_queue,
    limit_acts.limit_agent,
    limit_acts.limit_values,
    limit_acts.limit_labels_of_agent,
    limit_acts.limit_no_more,
    limit_acts.create_of_customers,
    acts.disconnect,
    acts.delete_agent,
    acts.delete_queue,
]
"""In a crowd, complete_anew is an outcome that is refused."""

BY_WORKERS = {
    acts.tick,
    acts.start,
    acts.start_all,
    acts.beat,
    acts.complete,
    acts.complete_all,
    acts.complete_and_start,
}
"""Their connections keep plans, and join so that rows are locked in the order of a list."""

GATES = {
    "cases": ("cases", (RUNNING, ASKED)),
    "runs": ("runs", (CLAIMED, RUNNING, ASKED)),
    "the last run": ("runs", (NEXT,)),
}
"""Rows that are in the middle of what those who lock several of them come to."""


@pytest.fixture(scope="module", params=[crowd, limited_crowd])
def the_crowd(raced, request):
    scene = request.param(raced)
    keep(raced)
    workers = Database(by_indexes(raced.url), pool_size=30, caches_plans=True)
    yield replace(scene, workers=workers)
    workers.close()
    forget(raced)


def by_indexes(url):
    """Scans in the order of rows are for those who plan freely. Workers' connections use indexes, if the server allows it."""
    allowed = "%20".join(f"-cenable_{way}%3Don" for way in ("indexscan", "indexonlyscan"))
    return f"{url}{'&' if '?' in url else '?'}options={allowed}"


def seen_by(act, scene):
    """The scene, over the connections of whoever acts."""
    return replace(scene, db=scene.workers) if act in BY_WORKERS else scene


def shut(tx, scene, gate):
    table, rows = GATES[gate]
    column = "id" if table == "cases" else "case_id"
    ids = [scene.cases[n] for n in rows]
    tx.sql(f"select 1 from {table} where {column} = any(%(ids)s::uuid[]) for update", {"ids": ids})


def waits_at(scene, act, gate):
    """Whether an act comes to those rows at all, and waits for them."""
    with scene.db.begin() as tx:
        shut(tx, scene, gate)
        rival = Rival(lambda: told(act, seen_by(act, scene)))
        waits = wait_until_still(scene.db, rival)
    rival.result()
    restore(scene.db)
    return waits


def at_the_gate(scene, first, second, gate):
    """The first is stopped in its middle, the second is let in, and on they go."""
    with scene.db.begin() as tx:
        shut(tx, scene, gate)
        one = Rival(lambda: told(first, seen_by(first, scene)))
        wait_until_still(scene.db, one)
        two = Rival(lambda: told(second, seen_by(second, replace(scene, cases=scene.cases[::-1]))))
        wait_until_still(scene.db, one, two)
    for rival in (one, two):
        rival.result()


def at_the_commit(scene, first, second):
    """The first, which waits for nobody, is stopped with all its locks."""
    rivals = []

    def act():
        rivals.append(Rival(lambda: told(second, seen_by(second, replace(scene, cases=scene.cases[::-1])))))
        wait_until_still(scene.db, *rivals)

    told(first, replace(scene, db=Halted(seen_by(first, scene).db, act)))
    for rival in rivals:
        rival.result()


def wrong_of(scene, meeting):
    """The error that two acts come to, or what does not hold after them."""
    try:
        meeting()
        return broken(scene.db)
    except Exception as error:
        return repr(error)
    finally:
        restore(scene.db)


@pytest.mark.parametrize("first", ACTS, ids=lambda act: act.__name__)
def test_deadlocks_no_two_acts(the_crowd, first):
    scene = the_crowd
    restore(scene.db)
    gates = [gate for gate in GATES if waits_at(scene, first, gate)]
    wrong = {}
    for second in ACTS:
        for gate in gates:
            wrong[second.__name__, gate] = wrong_of(
                scene, lambda second=second, gate=gate: at_the_gate(scene, first, second, gate)
            )
        if not gates:
            wrong[second.__name__, "commit"] = wrong_of(
                scene, lambda second=second: at_the_commit(scene, first, second)
            )
    assert {pair: what for pair, what in wrong.items() if what} == {}


class Noted(Seam):
    """A transaction that notes which tables each of its statements is the first to lock rows of."""

    def __init__(self, tx: Any, firsts: list[set[str]]) -> None:
        super().__init__(tx)
        self._firsts = firsts

    def sql(self, statement: str, parameters: Any = None) -> Any:
        return self._note(self.tx.sql(statement, parameters))

    def _note(self, result: Any) -> Any:
        locked = self.tx.sql(
            """select relation::regclass::text from pg_locks where pid = pg_backend_pid() and locktype = 'relation'
               and mode in ('RowShareLock', 'RowExclusiveLock')"""
        )
        known = set().union(*self._firsts)
        self._firsts.append({row[0] for row in locked} & set(ORDER) - known)
        return result


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_locks_tables_in_the_written_order(the_crowd, act):
    restore(the_crowd.db)
    transactions: list[list[set[str]]] = []

    def note(tx):
        transactions.append([])
        return Noted(tx, transactions[-1])

    told(act, replace(the_crowd, db=Through(seen_by(act, the_crowd).db, note)))
    for firsts in transactions:
        ranks = [sorted(ORDER.index(name) for name in names) for names in firsts if names]
        assert all(before[-1] < after[0] for before, after in pairwise(ranks)), firsts
    assert any(names for firsts in transactions for names in firsts) == (act is not acts.say)
