"""One database for all races of a module: emptied before each test, because making one takes longer than the test."""

from collections.abc import Iterator

import pytest

from casework.core.effects import Committed
from casework.service import cases
from casework.store.database import Database
from casework.store.tables import metadata
from databases import empty


@pytest.fixture(scope="module")
def raced(new_database) -> Iterator[Database]:
    """A deadlock is found after 50 ms, so that a test which finds one ends; and no commit waits for the disk."""
    db = Database(new_database("raced"), pool_size=30)
    with db.begin() as tx:
        tx.sql("alter database raced set deadlock_timeout = '50ms'")
        tx.sql("alter database raced set synchronous_commit = off")
        # A test may need the plan of unknown tables: after autovacuum has seen one empty, a claim locks in another order.
        for table in metadata.sorted_tables:
            tx.sql(f"alter table {table.name} set (autovacuum_enabled = off)")
    db.close()
    yield db
    db.close()


@pytest.fixture
def committed(raced: Database) -> Database:
    empty(raced)
    return raced


@pytest.fixture
def full_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is deleted still has all its cases when its row is locked: they came after it was emptied."""
    monkeypatch.setattr(cases, "clear", lambda *_: Committed((0, [])))
