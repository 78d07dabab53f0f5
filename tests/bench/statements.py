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
        for sender, method in ((Prepared, "_ready"), (psycopg.Cursor, "execute")):
            really = getattr(sender, method)

            def noted(self: Any, *given: Any, _really: Any = really, **options: Any) -> Any:
                if (statement := str(given[0])) != "begin":
                    seen.append(statement)
                return _really(self, *given, **options)

            patched.enter_context(patch.object(sender, method, noted))
        yield seen
