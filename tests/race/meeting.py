"""A meeting: the first actor stops on the way, with the locks that it has; the second acts until it waits or has ended;
then the first goes on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from acts import told
from invariants import broken
from scenes import ends, so_far
from waiting import Halted, Rival, wait_until_still

CLAIM = "with pick as"
LOCK = "for update of c skip locked for share of q"
STOPPED = "and not r.release_on_stop"
LOOK_AGAIN = "and attempt = %(attempt)s for no key update"
RESEND = "with late as"
REFUSAL = "refused_writes + 1"
"""Statements before which the first actor is stopped: what it has found out by then need not be so any more."""


def meet(scene, first, second, *, before: str | None = None, commit: int = 1) -> str:
    """Let the second act before a certain statement of the first, or before its n-th commit, and return their results."""
    rivals: list[Rival] = []
    waits: list[bool] = []

    def act():
        rivals.append(Rival(lambda: told(second, scene)))
        waits.append(wait_until_still(scene.db, rivals[0]))

    halted = Halted(scene.db, act, before, commit)
    said = told(first, replace(scene, db=halted))
    assert halted.happened, "the first actor did not come to where the second one waits for it"
    return f"{said}, {'then' if waits[0] else 'at once'} {rivals[0].result()}"


@dataclass(frozen=True)
class Met:
    """Two actors at a case and their results, the second at once or when the first is done; the
    status of the case, and of its runs, with a ! where one was asked to stop and has not; the case's history since; and
    how many refused writes the runs have noted."""

    begin: Callable[..., Any]
    first: Callable[..., str]
    second: Callable[..., str]
    outcome: str
    before: str | None = None
    commit: int = 1

    def check(self, db):
        scene = self.begin(db)
        since = so_far(scene)
        said = meet(scene, self.first, self.second, before=self.before, commit=self.commit)
        assert f"{said}: {ends(scene, since)}" == self.outcome
        assert broken(db) == {}

    def __str__(self):
        where = f" before {self.before}" if self.before else f" {self.commit}" if self.commit > 1 else ""
        return f"{self.begin.__name__}: {self.second.__name__} within {self.first.__name__}{where}"


def meetings(*rows: Met):
    """The rows of a table, each a test with a name."""
    return pytest.mark.parametrize("meeting", rows, ids=str)
