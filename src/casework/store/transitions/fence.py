"""The token of the attempt that holds a case."""

from typing import Any, NamedTuple

from casework.core.lifecycle import LIFECYCLE, Actor
from casework.core.model import CaseId, RunId
from casework.store.literals import listed

HOLDS = f"""id = %(case_id)s and run_id = %(run_id)s and attempt = %(attempt)s
    and status in ({listed(LIFECYCLE.held_by(Actor.RUN))})"""
"""The condition that the attempt named by the parameters holds its case, and may write."""


class Fence(NamedTuple):
    """Who writes: this attempt of this run, on this case. A named tuple, because a message brings a hundred of them."""

    case_id: CaseId
    run_id: RunId
    attempt: int

    def parameters(self) -> dict[str, Any]:
        """The fence as statement parameters."""
        return {"case_id": self.case_id, "run_id": self.run_id, "attempt": self.attempt}
