"""A status that is added to a copy of the lifecycle's table: its SQL, constraints and lane follow, with nothing typed again."""

from dataclasses import replace
from enum import StrEnum

import pytest
from psycopg.errors import CheckViolation
from sqlalchemy import MetaData

from casework.core.lifecycle import (
    ALL,
    LIFECYCLE,
    Actor,
    Bound,
    CaseStatus,
    Lane,
    Lifecycle,
    RunStatus,
    State,
    Transition,
)
from casework.store.ids import new_id
from casework.store.tables import cases_of, runs_of
from casework.store.transitions.by_person import override_sql
from casework.store.transitions.by_run import outcome_sql
from casework.store.transitions.clauses import guard, sets_of_case
from ddl import create_all


class Status(StrEnum):
    PARKED = "parked"


class Event(StrEnum):
    PARK = "park"
    SET_ASIDE = "set_aside"
    FETCH = "fetch"


PARKED = Status.PARKED
UNENDED = frozenset({CaseStatus.PENDING, CaseStatus.POSTPONED, CaseStatus.CLAIMED})
PARK = Transition(Event.PARK, UNENDED, PARKED, (Actor.PERSON,), "parked", run=RunStatus.INTERRUPTED)
SET_ASIDE = Transition(
    Event.SET_ASIDE, frozenset({CaseStatus.CLAIMED}), PARKED, (Actor.RUN,), "parked", run=RunStatus.COMPLETED
)
FETCH = Transition(
    Event.FETCH, frozenset({PARKED}), CaseStatus.PENDING, (Actor.PERSON,), "fetched", run=RunStatus.INTERRUPTED
)
WIDER = Lifecycle(
    (*LIFECYCLE.states, State(PARKED, Bound.NEVER)),
    LIFECYCLE.run_states,
    (*LIFECYCLE.transitions, PARK, SET_ASIDE, FETCH),
)
QUEUE, AGENT = new_id(), new_id()


@pytest.fixture
def wider(db):
    """A schema in front of the real one, whose tables of cases and runs are made from the copy."""
    metadata = MetaData(schema="wider")
    cases_of(WIDER, metadata), runs_of(WIDER, metadata)
    with db.begin() as tx:
        tx.sql("create schema wider")
        create_all(tx, metadata)
        tx.sql("set local search_path = wider, public")
    return db


def a_case(tx, status, **columns):
    """A row with that status, and what else its columns are to hold."""
    values = {"id": new_id(), "queue_id": QUEUE, "status": str(status), **columns}
    names = ", ".join(values)
    given = ", ".join(f"%({name})s" for name in values)
    tx.sql(
        f"insert into cases ({names}, title, data, ready_at, created_at, updated_at) values ({given}, 'case', '{{}}', now(), now(), now())",
        values,
    )
    return values["id"]


def running(tx):
    """A claimed case and its run, which a worker executes."""
    run_id = new_id()
    case_id = a_case(tx, CaseStatus.CLAIMED, run_id=run_id, run_agent_id=AGENT, attempt=1)
    tx.sql(
        "insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at)"
        " values (%(id)s, %(case)s, %(queue)s, %(agent)s, 'running', 1, now(), now(), now())",
        {"id": run_id, "case": case_id, "queue": QUEUE, "agent": AGENT},
    )
    return case_id, run_id


def override(tx, move, case_id):
    return tx.sql(
        override_sql(WIDER, move),
        {
            "cases": [case_id],
            "ready": [tx.now],
            "old_runs": [None],
            "changes": ["[]"],
            "agent_id": None,
            "reason": "because",
        },
    ).rowcount


def the_row(tx, case_id):
    return tx.sql("select * from cases where id = %(id)s", {"id": case_id}).one()


def history(tx, case_id):
    rows = tx.sql("select type from case_history where case_id = %(id)s order by id", {"id": case_id})
    return [row.type for row in rows]


@pytest.mark.parametrize("status", [*sorted(ALL), PARKED])
def test_a_person_moves_a_case_only_from_the_new_sources(wider, status):
    besides = {
        CaseStatus.NEEDS_INPUT: {"run_id": new_id(), "run_agent_id": AGENT, "human_request_id": new_id()},
        CaseStatus.CLAIMED: {"run_id": new_id(), "run_agent_id": AGENT},
    }
    with wider.begin() as tx:
        details = WIDER.state(status).details
        moments = {str(detail): tx.now for detail in details if detail != "human_request_id"}
        case_id = a_case(tx, status, **besides.get(status, {}), **moments)
        moved = override(tx, PARK, case_id)
        row = the_row(tx, case_id)
    assert moved == (status in UNENDED)
    assert row.status == (PARKED if moved else status)
    assert not moved or (row.run_id, row.postponed_to, row.lane) == (None, None, None)


def test_a_run_moves_its_case_to_the_new_status_and_ends(wider):
    with wider.begin() as tx:
        case_id, run_id = running(tx)
        fence = {"case_id": case_id, "run_id": run_id, "attempt": 1}
        values = {**fence, "reason": "later", "request_id": None}
        assert tx.sql(outcome_sql(WIDER, SET_ASIDE), values).rowcount == 1
        assert tx.sql(outcome_sql(WIDER, SET_ASIDE), values).rowcount == 0
        run = tx.sql("select * from runs where id = %(id)s", {"id": run_id}).one()
        assert (the_row(tx, case_id).status, the_row(tx, case_id).run_id) == (PARKED, None)
        assert (run.status, run.outcome, run.completed_at is not None) == ("completed", "parked", True)
        assert history(tx, case_id) == ["parked"]


def test_a_case_comes_back_from_the_new_status_into_its_lane(wider):
    with wider.begin() as tx:
        case_id = a_case(tx, PARKED, priority=1)
        assert the_row(tx, case_id).lane is None
        assert override(tx, FETCH, case_id) == 1
        assert (the_row(tx, case_id).status, the_row(tx, case_id).lane) == ("pending", Lane.MEDIUM)
        assert history(tx, case_id) == ["fetched"]


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"run_id": new_id(), "run_agent_id": AGENT}, "cases_bound_only_while_live"),
        ({"human_request_id": new_id()}, "cases_human_request"),
        ({"completed_at": "2026-01-01"}, "cases_completed_at"),
        ({"postponed_to": "2026-01-01"}, "cases_postponed_to"),
    ],
)
def test_the_constraints_permit_the_details_of_the_new_status(wider, columns, constraint):
    with pytest.raises(CheckViolation, match=constraint), wider.begin() as tx:
        a_case(tx, PARKED, **columns)


def test_the_real_tables_refuse_a_status_that_no_migration_added(db):
    with pytest.raises(CheckViolation, match="cases_status"), db.begin() as tx:
        a_case(tx, PARKED)


def wider_with(state):
    return replace(WIDER, states=tuple(state if one.status == PARKED else one for one in WIDER.states))


def test_a_new_status_with_a_lane_is_picked_up_and_resumed(db):
    resting = wider_with(State(PARKED, Bound.SOMETIMES, lanes=(Lane.POSTPONED,)))
    metadata = MetaData(schema="wider")
    cases_of(resting, metadata)
    with db.begin() as tx:
        tx.sql("create schema wider")
        create_all(tx, metadata)
        tx.sql("set local search_path = wider, public")
        assert the_row(tx, a_case(tx, PARKED)).lane == Lane.POSTPONED
        assert the_row(tx, a_case(tx, PARKED, run_id=new_id(), run_agent_id=AGENT)).lane == Lane.RESUMED


def test_a_new_status_that_holds_a_detail_needs_an_expression_for_it():
    asking = wider_with(State(PARKED, Bound.NEVER, ("human_request_id",)))
    with pytest.raises(ValueError, match="park to parked needs an expression for human_request_id"):
        sets_of_case(asking, PARK)
    assert "human_request_id = %(request_id)s" in sets_of_case(asking, PARK, human_request_id="%(request_id)s")
    assert "human_request_id = null" in sets_of_case(asking, FETCH)


def test_the_new_moves_are_overrides_and_have_a_guard():
    assert WIDER.overrides(Actor.PERSON)[-2:] == [PARK, FETCH]
    assert guard(PARK) == "(c.status in ('claimed', 'pending', 'postponed')) is true"
