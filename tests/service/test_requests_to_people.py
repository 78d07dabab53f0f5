"""Requests to people: groups, decisions, several approvals, assignees, and who did it."""

import pytest

from asking import ask, events
from casework.agents.matching import Matching
from casework.core.effects import RunMessage
from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef
from casework.core.requests import Action, Answering, Decision, Request
from casework.core.unset import UNSET
from casework.errors import AlreadyAnswered, Forbidden, InvalidInput
from casework.service import cases, labels, requests, runs
from casework.service.diagnosis.case import explain
from casework.service.holding import Holder
from casework.service.run_backend import RunBackend
from casework.store import requests as store
from casework.store.transitions import Fence
from factories import SETTINGS, TEAM, history, running, some_cases, the_case, the_run, worked_queue

REFUND = Action(
    name="refund",
    arguments={"order": "A-1", "euros": 120, "note": None},
    schema={"type": "object", "properties": {"euros": {"type": "integer", "maximum": 500}}, "required": ["euros"]},
)


def test_a_run_goes_on_when_all_of_its_group_are_answered(db):
    case_id, (first, second, third) = ask(db, *(Request(title=title) for title in "abc"))
    for id in (third, first):
        done = requests.answer(db, TEAM, id, "yes")
        assert not done.effects.nudge
        assert the_case(db, case_id).status is CaseStatus.NEEDS_INPUT
    assert the_case(db, case_id).pending_human_request_id == first
    assert requests.answer(db, TEAM, second, "no").effects.nudge
    assert the_case(db, case_id).status is CaseStatus.PENDING
    assert [event.human_request_id for event in events(db, case_id, "needs_input")] == [first, second, third]
    assert [event.human_request_id for event in events(db, case_id, "input_received")] == [third, first, second]
    assert {one.waits_as for one in requests.find(db, TEAM, open_only=False)} == {first}


def test_a_run_with_a_group_is_listed_once_with_the_first_that_waits(db, settings):
    case_id, (first, _) = ask(db, Request(title="a"), Request(title="b"))
    requests.answer(db, TEAM, first, "yes")
    (run,) = runs.of_case(db, TEAM, case_id)
    assert (run.has_pending_human_request, run.pending_human_request_title) == (True, "b")
    assert "b" in explain(db, settings, TEAM, case_id).message


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Answering(decision=Decision.APPROVE), "it was approved by Ann"),
        (Answering(decision=Decision.REJECT, message="too dear"), 'was rejected by Ann, with the message "too dear"'),
        (Answering(arguments={"euros": 7}), "approved with other arguments by Ann"),
    ],
)
def test_a_second_answer_is_told_what_the_first_one_was(db, given, told):
    decisions = [Decision.APPROVE, Decision.EDIT, Decision.REJECT]
    _, (id,) = ask(db, Request(kind="approval", title="Refund?", action=REFUND, decisions=decisions))
    requests.answer(db, TEAM, id, given, by="web", person="Ann")
    with pytest.raises(AlreadyAnswered, match=told):
        requests.answer(db, TEAM, id, Answering(decision=Decision.APPROVE), by="web", person="Bob")


def test_edited_arguments_keep_their_types_and_are_told(db):
    decisions = [Decision.APPROVE, Decision.EDIT]
    case_id, (id,) = ask(db, Request(kind="approval", title="Refund?", action=REFUND, decisions=decisions))
    with pytest.raises(InvalidInput, match=r"\$\.euros: '90' is not of type 'integer'"):
        requests.answer(db, TEAM, id, Answering(arguments={"euros": "90"}))
    edited = {"order": "A-1", "euros": 90, "note": [1.5, True]}
    done = requests.answer(db, TEAM, id, Answering(arguments=edited, message="half")).value
    assert (done.decision, done.arguments, done.answer) == (Decision.EDIT, edited, True)
    assert done.answered().answer.arguments["euros"] == 90
    (event,) = events(db, case_id, "input_received")
    assert {"field": "arguments.euros", "old": 120, "new": 90} in event.changes
    assert {"field": "message", "new": "half"} in event.changes


def test_an_approval_says_what_is_to_be_done(db):
    _, (id,) = ask(db, Request(kind="approval", title="Refund?", action=REFUND))
    assert requests.decide(db, TEAM, id, True).value.arguments == REFUND.arguments
    with pytest.raises(AlreadyAnswered):
        requests.decide(db, TEAM, id, False)


def test_a_form_is_filled_in_as_its_schema_demands(db):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    _, (id,) = ask(db, Request(kind="form", title="How many?", schema=schema))
    for wrong in ("3", {"n": "3"}, {}, [3]):
        with pytest.raises(InvalidInput, match="does not fit"):
            requests.answer(db, TEAM, id, Answering(value=wrong))
    assert requests.answer(db, TEAM, id, Answering(value={"n": 3})).value.answer == {"n": 3}


def test_several_must_approve_and_each_counts_once(db):
    case_id, (id,) = ask(db, Request(kind="approval", title="Wire?", approvals=2))
    yes = Answering(decision=Decision.APPROVE)
    assert requests.answer(db, TEAM, id, yes, by="web", person="Ann").value.status == "pending"
    for key in ("web", "phone"):
        with pytest.raises(AlreadyAnswered, match="1 of 2"):
            requests.answer(db, TEAM, id, yes, by=key, person="Ann")
    assert the_case(db, case_id).status is CaseStatus.NEEDS_INPUT
    done = requests.answer(db, TEAM, id, yes, by="web", person="Bob").value
    assert (done.status, done.approved_by) == ("answered", ("Ann", "Bob"))
    assert the_case(db, case_id).status is CaseStatus.PENDING
    (vote,) = events(db, case_id, "input_approved")
    assert (vote.by_person, vote.changes) == ("Ann", [{"field": "approvals", "old": 0, "new": 1}])


def test_one_who_rejects_decides_although_others_approved(db):
    case_id, (id,) = ask(db, Request(kind="approval", title="Wire?", approvals=2))
    requests.answer(db, TEAM, id, Answering(decision=Decision.APPROVE), person="Ann")
    done = requests.answer(db, TEAM, id, Answering(decision=Decision.REJECT), person="Bob").value
    assert (done.decision, done.answer) == (Decision.REJECT, False)
    assert the_case(db, case_id).status is CaseStatus.PENDING


@pytest.mark.parametrize(("key", "person"), [("web", "Ann"), ("desk", None), ("desk", "Cid")])
def test_those_to_whom_a_request_is_assigned_answer_it(db, key, person):
    _, (id,) = ask(db, Request(title="Which one?", assignees=["Ann", "desk"]))
    assert requests.answer(db, TEAM, id, "a", by=key, person=person).value.answer == "a"


@pytest.mark.parametrize(("key", "person"), [("web", "Cid"), ("web", None), (None, None)])
def test_nobody_else_answers_a_request_that_is_assigned(db, key, person):
    _, (id,) = ask(db, Request(title="Which one?", assignees=["Ann", "desk"]))
    with pytest.raises(Forbidden, match="for Ann, desk"):
        requests.answer(db, TEAM, id, "a", by=key, person=person)


def test_requests_are_found_by_kind_assignee_and_group(db):
    _, (first, second) = ask(db, Request(title="a", assignees=["Ann"]), Request(kind="approval", title="b"))
    found = {
        "kind": requests.find(db, TEAM, kind="approval"),
        "assignee": requests.find(db, TEAM, assignees=["Bob", "Ann"]),
        "nobody": requests.find(db, TEAM, assignees=["Bob"]),
        "group": requests.find(db, TEAM, group_id=first),
    }
    ids = {name: [one.id for one in those] for name, those in found.items()}
    assert ids == {"kind": [second], "assignee": [first], "nobody": [], "group": [first, second]}


def test_what_a_person_did_to_a_case_carries_who_and_what(db):
    queue, agent = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    acting = db.acting_for(key="desk", person="Ann")
    cases.update(acting, TEAM, case_id, title="new", data={"a": 1})
    cases.delegate(acting, SETTINGS, queue.id, [case_id], agent.id)
    cases.postpone(acting, SETTINGS, queue.id, [case_id], "2h")
    cases.settle(acting, SETTINGS, queue.id, [case_id], CaseStatus.FAILED)
    cases.retry(acting, SETTINGS, queue.id, [case_id])
    told = {event.type: event for event in cases.get(db, TEAM, case_id)[1]}
    assert history(db, case_id) == ["created", "updated", "delegated", "postponed", "settled", "retried"]
    assert {(event.by_key, event.by_person) for type, event in told.items() if type != "created"} == {("desk", "Ann")}
    changes = {type: event.changes for type, event in told.items()}
    assert {"field": "title", "old": "case 0", "new": "new"} in changes["updated"]
    assert changes["delegated"] == [{"field": "assigned_agent_id", "old": None, "new": str(agent.id)}]
    assert changes["settled"] == [{"field": "status", "old": "postponed", "new": "failed"}]
    assert changes["retried"] == [
        {"field": "status", "old": "failed", "new": "pending"},
        {"field": "assigned_agent_id", "old": str(agent.id), "new": None},
    ]


def test_labels_and_a_stop_carry_who_did_it(db):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    acting = db.acting_for(key="desk", person="Ann")
    labels.assign(acting, TEAM, queue.id, case_id, [LabelRef("urgent")])
    runs.stop(acting, SETTINGS, TEAM, fence.run_id, "enough")
    (labelled,), (stopped,) = (events(db, case_id, type) for type in ("labels_changed", "stopped"))
    assert labelled.changes == [{"field": "labels", "old": [], "new": ["urgent"]}]
    assert stopped.changes == [{"field": "status", "old": "claimed", "new": "failed"}]
    assert {(one.by_key, one.by_person) for one in (labelled, stopped)} == {("desk", "Ann")}


def test_what_a_run_changes_is_its_own_whoever_holds_the_connection(db):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    (message,) = (RunMessage(one.id, one.attempt) for one in runs.find(db, TEAM, limit=1))
    held = Holder(Fence(case_id, message.run_id, 1), queue.id, TEAM, the_run(db, message).agent_id, 0, 5)
    RunBackend(db.acting_for(person="Ann"), held, lambda effects: None).update("new", UNSET)
    (event,) = events(db, case_id, "updated")
    assert (event.run_id, event.by_person) == (message.run_id, None)


def test_answers_of_an_earlier_version_are_found_in_their_order(db):
    ask(db, Request(title="a"), Request(kind="approval", title="b"))
    with db.begin() as tx:
        tx.sql(
            """update human_requests set position = null, group_id = null, decisions = '{}', responded_at = now(),
              answer = case kind when 'question' then '"x"'::json else 'false'::json end"""
        )
        (run_id,) = {one.run_id for one in store.find(tx, TEAM, open_only=False)}
        found = [one.answered() for one in store.of_run(tx, run_id)]
    assert [(one.position, one.answer.decision, one.answer.value) for one in found] == [
        (0, "respond", "x"),
        (1, "reject", False),
    ]
    assert Matching(found).match(Request(title="a"))[1].value == "x"


def test_what_a_run_did_carries_nobody(db):
    case_id, (id,) = ask(db, Request(title="a"))
    requests.answer(db, TEAM, id, "b", by="desk")
    told = [(event.type, event.by_key) for event in cases.get(db, TEAM, case_id)[1]]
    assert told == [("created", None), ("claimed", None), ("needs_input", None), ("input_received", "desk")]
