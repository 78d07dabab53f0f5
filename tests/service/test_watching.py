"""Lists for somebody who watches: runs, the places of agents, processes, parts of lists, boards."""

from datetime import timedelta

import pytest

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, LabelRef, NewCase
from casework.errors import InvalidInput, NotFound
from casework.service import activity, cases, listing
from casework.service.activity import Shown
from casework.store import processes, runs, transitions
from factories import SETTINGS, TEAM, a_queue, claim, running, some_cases, start, worked_queue


def shown(db, which, **options):
    return [run.title for run in activity.runs(db, TEAM, which, limit=10, **options)]


def test_lists_runs_by_how_they_are(db):
    queue, agent = worked_queue(db)
    new = [NewCase(title) for title in ("done", "failed", "refused", "live")]
    cases.create(db, queue.id, new)
    fences = [start(db, message) for message in claim(db)]
    with db.begin() as tx:
        transitions.complete(tx, fences[0], "ok")
        transitions.fail(tx, fences[1], "broken", None)
        runs.record_refusal(tx, fences[2], "a message")
    assert shown(db, Shown.LIVE) == ["live", "refused"]
    assert shown(db, Shown.FAILED) == ["failed"]
    assert shown(db, Shown.TROUBLED) == ["refused"]
    assert shown(db, Shown.ALL) == ["live", "refused", "failed", "done"]
    assert shown(db, Shown.ALL, queue_id=a_queue(db, "other").id) == []
    assert shown(db, Shown.ALL, agent_id=agent.id, before=fences[2].run_id) == ["failed", "done"]


def test_a_run_of_a_deleted_case_is_listed_without_title(db):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.delete(db, SETTINGS, queue.id, [case_id])
    (run,) = activity.runs(db, TEAM, Shown.ALL, limit=10)
    assert (run.case_id, run.title, run.queue_name) == (None, None, queue.name)


def test_shows_where_agents_work(db):
    queue, agent = worked_queue(db, concurrency=2)
    running(db, queue)
    some_cases(db, queue, 5)
    claim(db)
    (place,) = activity.places(db, TEAM)
    assert (place.agent_id, place.queue_name, place.concurrency) == (agent.id, queue.name, 2)
    assert (place.pending, place.running, place.waiting) == (1, 1, 0)
    assert place.taken_at is not None


def test_lists_processes_with_their_sign_of_life(db, clock):
    with db.begin() as tx:
        processes.seen(tx, "worker-1", "worker", timedelta(seconds=30), processes.Report(4, lost_slots=2))
    clock.forward(90)
    found = activity.processes(db)
    assert [(one.id, one.role, one.lost_slots) for one in found.found] == [("worker-1", "worker", 2)]
    assert found.now - found.found[0].seen_at == timedelta(seconds=90)


def part(db, queue, wanted=None, cursor=None, limit=3):
    return listing.part(db, TEAM, queue.name, wanted or CaseFilter(), limit=limit, cursor=cursor)


def test_a_part_of_a_list_can_be_read_again_as_it_was(db, clock):
    queue = a_queue(db)
    old = some_cases(db, queue, 5)
    first = part(db, queue)
    clock.forward(1)
    some_cases(db, queue, 2)
    again = part(db, queue, cursor=first.cursor)
    assert [case.id for case in again.cases] == [case.id for case in first.cases] == old[::-1][:3]
    assert (first.newer, again.newer) == (Count(0), Count(2))
    rest = part(db, queue, cursor=again.next_cursor)
    assert [case.id for case in rest.cases] == old[::-1][3:]
    assert (rest.next_cursor, rest.newer) == (None, Count(5))


def test_a_part_says_why_cases_failed_and_how_many_there_are(db):
    queue = a_queue(db)
    ids = some_cases(db, queue, 4)
    cases.settle(db, SETTINGS, queue.id, ids[:1], CaseStatus.FAILED, "no toner")
    found = part(db, queue)
    assert (found.reasons, found.count) == ({}, Count(4))
    found = part(db, queue, CaseFilter((CaseStatus.FAILED,)))
    assert (found.reasons, found.count) == ({ids[0]: "no toner"}, Count(1))


def test_a_part_of_a_search_counts_no_further_than_it_shows(db):
    queue = a_queue(db)
    some_cases(db, queue, 5)
    assert part(db, queue, CaseFilter(search="case")).count == Count(3, exact=False)
    assert part(db, queue, CaseFilter(search="case"), limit=5).count == Count(5)


def test_a_part_of_a_label_is_counted(db):
    queue = a_queue(db)
    cases.create(db, queue.id, [NewCase(f"case {n}", labels=(LabelRef("urgent"),)) for n in range(5)])
    assert part(db, queue, CaseFilter(labels={"": ("urgent",)})).count == Count(5)


def test_refuses_a_cursor_that_is_none(db):
    queue = a_queue(db)
    with pytest.raises(InvalidInput, match="cursor does not come from"):
        part(db, queue, cursor="x")
    with pytest.raises(NotFound):
        listing.part(db, TEAM, "nowhere", CaseFilter(), limit=3)


def test_a_board_has_the_newest_of_each_status(db):
    queue = a_queue(db)
    ids = some_cases(db, queue, 4)
    cases.settle(db, SETTINGS, queue.id, ids[:1], CaseStatus.FAILED, "no toner")
    found = listing.board(db, TEAM, queue.id, CaseFilter(), limit=2)
    assert set(found.columns) == set(CaseStatus)
    assert [case.id for case in found.columns[CaseStatus.PENDING]] == ids[:1:-1]
    assert found.counts[CaseStatus.PENDING] == Count(3)
    assert found.reasons == {ids[0]: "no toner"}
