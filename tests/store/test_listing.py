"""The plans of lists over many cases: read from the index, and stop when the page is full."""

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.search import as_tsquery
from casework.store import listing
from casework.store.listing import SortOrder, Wanted
from explained import Explained
from factories import worked_queue

COUNT = 40_000


@pytest.fixture
def many(db):
    """40,000 cases, 20 of them failed; half with a common label, 20 with a rare one; one word in all, another in one."""
    queue, _ = worked_queue(db)
    with db.begin() as tx:
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
    "all": {},
    "oldest first": {"order": SortOrder.ASC},
    "a rare status": {"statuses": (CaseStatus.FAILED,)},
    "a common label": {"labels": {"": ("common",)}},
    "a rare label": {"labels": {"": ("rare",)}},
    "a rare word": {"tsquery": as_tsquery("case777")},
    "a common word": {"tsquery": as_tsquery("common")},
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_page_reads_little_of_a_large_queue(db, many, name):
    with db.begin() as tx:
        explained = Explained(tx, only="sort_value")
        found, _ = listing.page(explained, Wanted(many.id, **CASES[name]), limit=20, offset=0)
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
