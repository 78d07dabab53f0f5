"""A worker keeps its plans. One that was made while the tables were small must still be right when they are large."""

import pytest

from casework.store.transitions import by_run
from explained import cached_plan
from factories import claim, some_cases, worked_queue

KEPT = {
    "start": by_run._START,
    "start_all": by_run._START_ALL,
    "complete": by_run._COMPLETE,
    "complete_all": by_run._COMPLETE_ALL,
}


def nothing(tx, queue):
    pass


def many_that_are_over(tx, queue):
    tx.sql(
        "insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at, completed_at)"
        " select gen_random_uuid(), %(queue)s, 'case', '{}', 'completed', now(), now(), now(), now() from generate_series(1, 5000)",
        {"queue": queue.id},
    )
    tx.sql("analyze cases")


@pytest.mark.parametrize("besides", [nothing, many_that_are_over])
@pytest.mark.parametrize("count", [0, 60])
@pytest.mark.parametrize("name", KEPT)
def test_starts_and_outcomes_find_their_rows_by_keys(db, name, count, besides):
    queue, _ = worked_queue(db)
    some_cases(db, queue, count)
    claim(db)
    with db.begin() as tx:
        besides(tx, queue)
        nodes = cached_plan(tx, KEPT[name])
    scans = [node for node in nodes if node.get("Relation Name") in ("cases", "runs") and "Scan" in node["Node Type"]]
    assert {node["Index Name"] for node in scans} <= {"cases_pkey", "runs_pkey"}
    assert len(scans) >= 2
    assert all("id = " in node["Index Cond"] for node in scans)
