"""Performs a request with an idempotency key once, and gives repetitions the same answer."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from casework.core.model import TeamId
from casework.core.payload import check_text
from casework.errors import Conflict
from casework.store import keys
from casework.store.database import Database, Tx

KEPT = timedelta(hours=24)


def perform_once(db: Database, team_id: TeamId, key: str, request: str, act: Callable[[Tx], Any]) -> tuple[Any, bool]:
    """Run `act` and return its answer and True, or the answer that the key was given before and False.

    `request` is the request as text, because a key belongs to one request. The answer must be JSON; it is stored in the
    transaction in which `act` runs. Raises Conflict if the key was used for another request.
    """
    check_text("idempotency key", key, least=1, most=255)
    fingerprint = hashlib.sha256(request.encode(errors="surrogatepass")).hexdigest()
    with db.begin() as tx:
        known = keys.begin_once(tx, team_id, key, fingerprint)
        if known is None:
            answer = act(tx)
            keys.finish_once(tx, team_id, key, answer)
            return answer, True
    if known[0] != fingerprint:
        raise Conflict("This idempotency key was used for another request.")
    return known[1], False
