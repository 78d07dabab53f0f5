"""Counting what a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import psycopg

from casework.store.prepared import Prepared


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, in order, pings too; BEGIN and COMMIT are not among them."""
    seen: list[str] = []
    with ExitStack() as patched:
        for sender in (Prepared, psycopg.Cursor):
            execute = sender.execute

            def noted(self: Any, query: Any, *rest: Any, _execute: Any = execute, **options: Any) -> Any:
                seen.append(str(query))
                return _execute(self, query, *rest, **options)

            patched.enter_context(patch.object(sender, "execute", noted))
        yield seen
