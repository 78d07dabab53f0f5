"""Counting what a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, in order, pings too; BEGIN and COMMIT are not among them."""
    seen: list[str] = []
    really = psycopg.Cursor.execute

    def noted(self: Any, statement: Any, *given: Any, **options: Any) -> Any:
        if statement not in ("begin", "commit"):
            seen.append(str(statement))
        return really(self, statement, *given, **options)

    with patch.object(psycopg.Cursor, "execute", noted):
        yield seen
