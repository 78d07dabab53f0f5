"""Cases that wait for people, with the requests that a test wants."""

from uuid import UUID

from casework.agents.results import Asked
from casework.agents.stop import Suspended
from casework.core.model import CaseEvent, CaseId
from casework.core.requests import Placed, Request
from casework.service import cases, requests
from casework.store.database import Database
from factories import TEAM, an_attempt, claim, finish, some_cases, worked_queue


def ask(db: Database, *asked: Request) -> tuple[CaseId, list[UUID]]:
    """A case whose run has made these requests in one wait, and their ids."""
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    (message,) = claim(db)
    started = an_attempt(db, message)
    assert started
    finish(db, started, Asked(Suspended(*(Placed(one, number) for number, one in enumerate(asked)))))
    return case_id, [one.id for one in requests.find(db, TEAM)]


def events(db: Database, case_id: CaseId, type: str) -> list[CaseEvent]:
    """The lines of the case's history that have this type."""
    return [event for event in cases.get(db, TEAM, case_id)[1] if event.type == type]
