"""The plans of lists over many cases: read from the index, and stop when the page is full."""

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter
from casework.store import listing
from casework.store.database import Database
from casework.store.listing import NEWEST_FIRST, Order, SortOrder
from explained import Explained
from factories import worked_queue

COUNT = 40_000


@pytest.fixture(scope="module")
def migrated(new_database):
    db = Database(new_database("many"))
    yield db
    db.close()


@pytest.fixture(scope="module")
def many(migrated):
    """40,000 cases, 20 of them failed; half with a common label, 20 with a rare one; one word in all, another in one."""
    queue, _ = worked_queue(migrated)
    with migrated.begin() as tx:
        values = {"q": queue.id, "n": COUNT}
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, ready_at, completed_at, created_at, updated_at) "
            "select uuid_in(overlay(md5(n::text) placing lpad(to_hex(n), 8, '0') from 1 for 8)::cstring), %(q)s, 'case ' || n, '{}', "
            "case when n %% 2000 = 0 then 'failed' else 'pending' end, now(), case when n %% 2000 = 0 then now() end, "
            "timestamptz '2026-01-01' + make_interval(secs => n), now() from generate_series(1, %(n)s) n",
            values,
        )
        tx.sql(
            "insert into labels (id, queue_id, key, value, color_hue) values "
            "('00000000-0000-0000-0000-0000000000aa', %(q)s, '', 'common', 1), ('00000000-0000-0000-0000-0000000000bb', %(q)s, '', 'rare', 1)",
            values,
        )
        for label, every in (("aa", 2), ("bb", 2000)):
            tx.sql(
                "insert into case_labels select id, cast(%(label)s as uuid) from cases "
                "where queue_id = %(q)s and extract(epoch from created_at)::bigint %% %(every)s = 0",
                {**values, "label": f"00000000-0000-0000-0000-0000000000{label}", "every": every},
            )
        tx.sql(
            "insert into case_search select id, queue_id, to_tsvector('simple', 'common ' || replace(title, ' ', '')) from cases where queue_id = %(q)s",
            values,
        )
        for table in ("cases", "case_labels", "labels", "case_search"):
            tx.sql(f"analyze {table}")
    return queue


CASES = {
    "all": CaseFilter(),
    "oldest first": CaseFilter(),
    "a rare status": CaseFilter((CaseStatus.FAILED,)),
    "a common label": CaseFilter(labels={"": ("common",)}),
    "a rare label": CaseFilter(labels={"": ("rare",)}),
    "a rare word": CaseFilter(search="case777"),
    "a common word": CaseFilter(search="common"),
    "a common title": CaseFilter(title_contains="case"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_reads_little_of_a_large_queue_for_a_page(many, db, name):
    with db.begin() as tx:
        explained = Explained(tx, only="sort_value")
        order = Order(direction=SortOrder.ASC) if name == "oldest first" else NEWEST_FIRST
        found, _ = listing.page(explained, many.id, CASES[name], order, limit=20)
    assert found
    assert {
        node["Node Type"]
        for node in explained.nodes
        if node.get("Relation Name") in ("cases", "case_labels", "case_search")
    } <= {
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
    }
    # The tables have about 2,500 pages; a page of twenty cases touches a small part of them.
    assert explained.blocks < 1500, explained.blocks
