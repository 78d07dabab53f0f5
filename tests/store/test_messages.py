"""What a run of a hundred thousand messages costs to read."""

import pytest

from casework.store import messages
from explained import Explained
from factories import running, worked_queue

COUNT = 100_000

_FILL = """
insert into run_messages (run_id, type, role, content, key, created_at)
select %(run_id)s, case when n %% 10 = 0 then 'tool_result' else 'text' end, 'assistant',
  json_build_object('text', repeat('x', 200)), n::text as key, now()
from generate_series(1, %(count)s) n order by n
"""


@pytest.mark.parametrize("analyzed", [False, True])
def test_the_latest_messages_and_each_page_are_read_from_the_index(db, analyzed):
    """Of a run that is not the last one to have spoken."""
    queue, _ = worked_queue(db)
    run_id, other = (running(db, queue)[1].run_id for _ in range(2))
    with db.begin() as tx:
        for speaker in (run_id, other):
            tx.sql(_FILL, {"run_id": speaker, "count": COUNT})
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
