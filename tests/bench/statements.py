"""Counting what a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, in order, pings too; BEGIN and COMMIT are not among them."""
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
        if query not in ("begin", "commit"):
            seen.append(str(query))
        return execute(self, query, *rest, **options)

    psycopg.Cursor.execute = noted  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
