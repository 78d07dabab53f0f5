"""What a run of a hundred thousand messages costs to read."""

import pytest

from casework.store import messages
from casework.store.database import Database
from explained import Explained
from factories import running, worked_queue

COUNT = 100_000

_FILL = """
insert into run_messages (run_id, type, role, content, key, created_at)
select %(run_id)s, case when n %% 10 = 0 then 'tool_result' else 'text' end, 'assistant',
  json_build_object('text', repeat('x', 200)), n::text as key, now()
from generate_series(1, %(count)s) n order by n
"""


@pytest.fixture(scope="module")
def migrated(new_database):
    db = Database(new_database("speakers"))
    yield db
    db.close()


@pytest.fixture(scope="module")
def speakers(migrated):
    """Two runs that spoke one after the other."""
    queue, _ = worked_queue(migrated)
    runs = [running(migrated, queue)[1].run_id for _ in range(2)]
    with migrated.single() as tx:
        tx.sql("alter table run_messages set (autovacuum_enabled = off)")
    with migrated.begin() as tx:
        for run_id in runs:
            tx.sql(_FILL, {"run_id": run_id, "count": COUNT})
    return runs


@pytest.mark.parametrize("analyzed", [False, True])
def test_reads_messages_from_the_index(speakers, db, analyzed):
    """The latest ones, and each page, of a run that is not the last one to have spoken."""
    run_id, _ = speakers
    with db.begin() as tx:
        if analyzed:
            tx.sql("analyze run_messages")
        last = tx.sql("select max(id) from run_messages where run_id = %(id)s", {"id": run_id}).scalar_one()
    for read, expected in (
        (lambda tx: messages.latest(tx, run_id, 10), [last - 11, last - 1]),
        (lambda tx: messages.find(tx, run_id, limit=100), [last - COUNT + 1, last - COUNT + 100]),
        (lambda tx: messages.find(tx, run_id, limit=100, after=last - 100), [last - 99, last]),
        (lambda tx: messages.find(tx, run_id, limit=100, after=last), []),
    ):
        with db.begin() as tx:
            explained = Explained(tx)
            ids = [one.id for one in read(explained)]
        assert ids[:1] + ids[-1:] == expected
        (scan,) = explained.scans("run_messages")
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", "run_messages_pkey")
        assert explained.blocks < 50
