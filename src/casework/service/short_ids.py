"""Ids as people write them: in full, or their last characters."""

import re
from collections.abc import Iterable
from uuid import UUID

from casework.core.model import TeamId
from casework.errors import InvalidInput, NotFound
from casework.printable import printable
from casework.store import short_ids as store
from casework.store.database import Database
from casework.store.short_ids import Kind

LEAST = 6
SHOWN = 8
_CANDIDATES = 5


def shorten(ids: Iterable[UUID]) -> dict[UUID, str]:
    """The last 8 characters of each id, or more if that is needed to tell these ids apart."""
    distinct = set(ids)
    for length in range(SHOWN, 32):
        short = {id: id.hex[-length:] for id in distinct}
        if len(set(short.values())) == len(distinct):
            return short
    return {id: id.hex for id in distinct}


def resolve(db: Database, team_id: TeamId, kind: Kind, text: str) -> UUID:
    """The id that is given in full, or by at least its last 6 characters. Raises NotFound, and InvalidInput with the
    candidates if several ids of the team match.
    """
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(f"[0-9a-f]{{{LEAST},32}}", digits):
        raise NotFound(kind, text, f" An id is its last {SHOWN} characters, as lists show it, or the whole of it.")
    if len(digits) == 32:
        return UUID(digits)
    with db.begin() as tx:
        found = store.ending_with(tx, team_id, kind, _as_written(digits), _CANDIDATES + 1)
    if not found:
        raise NotFound(
            kind, text, f" A shortened id is the end of the id, not its beginning: its last {SHOWN} characters."
        )
    if len(found) > 1:
        raise InvalidInput(f"{text!r} is ambiguous: it can be {_listed(dict(found))}.")
    return found[0][0]


def _as_written(digits: str) -> str:
    """The end of a UUID, with its hyphens."""
    hyphens = sum(len(digits) > last for last in (12, 16, 20, 24))
    return str(UUID(digits.rjust(32, "0")))[-len(digits) - hyphens :]


def _listed(found: dict[UUID, str]) -> str:
    short = shorten(found)
    listed = [f"{short[id]} ({printable(title)})" for id, title in found.items()]
    return ", ".join(listed[:_CANDIDATES]) + (", or others" if len(listed) > _CANDIDATES else "")
