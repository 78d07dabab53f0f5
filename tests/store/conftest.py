"""What tests of the store share."""

import socket
from collections.abc import Callable, Iterator

import pytest

from casework.store.database import Database
from databases import Databases


@pytest.fixture
def committed(new_database: Databases) -> Iterator[Database]:
    """A database of the test's own: some change its settings or tables."""
    db = Database(new_database("committed"), pool_size=30)
    yield db
    db.close()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Finds a port of this machine that nobody listens on."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port: int = listening.getsockname()[1]
            return port

    return find
