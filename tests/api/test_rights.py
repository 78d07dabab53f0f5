"""Every operation that changes something, tried with a key of every role: the table of rights decides, and nothing else."""

import re
from uuid import uuid4

import pytest

from casework.core.roles import RIGHTS, Right, Role

NEEDED = {
    "create_cases": Right.ADD,
    "assign_labels": Right.ADD,
    "create_label": Right.ADD,
    "claim_case": Right.WORK,
    "heartbeat": Right.WORK,
    "add_message": Right.WORK,
    "update_held_case": Right.WORK,
    "record_step": Right.WORK,
    "load_state": Right.WORK,
    "list_states": Right.WORK,
    "save_state": Right.WORK,
    "delete_state": Right.WORK,
    "add_usage": Right.WORK,
    "stream_text": Right.WORK,
    "ask_person": Right.WORK,
    "report_outcome": Right.WORK,
    "update_case": Right.OPERATE,
    "delete_case": Right.OPERATE,
    "bulk_delegate": Right.OPERATE,
    "bulk_retry": Right.OPERATE,
    "bulk_postpone": Right.OPERATE,
    "bulk_delete": Right.OPERATE,
    "bulk_update_status": Right.OPERATE,
    "unlink_labels": Right.OPERATE,
    "update_label": Right.OPERATE,
    "delete_label": Right.OPERATE,
    "pause_queue": Right.OPERATE,
    "resume_queue": Right.OPERATE,
    "stop_run": Right.OPERATE,
    "answer_human_request": Right.ANSWER,
    "respond_to_human_request": Right.ANSWER,
    "create_agent": Right.MANAGE,
    "update_agent": Right.MANAGE,
    "delete_agent": Right.MANAGE,
    "create_queue": Right.MANAGE,
    "update_queue": Right.MANAGE,
    "delete_queue": Right.MANAGE,
    "clear_queue": Right.MANAGE,
    "put_consumer": Right.MANAGE,
    "delete_consumer": Right.MANAGE,
    "put_limit": Right.MANAGE,
    "delete_limit": Right.MANAGE,
}
"""What each operation needs, typed once more on purpose: an operation that is missing here fails the test."""

READS = {"search_cases"}
"""Operations that take a body and change nothing."""


@pytest.fixture
def changing(client):
    """Method and path of every operation that changes something, by its id."""
    return {
        operation["operationId"]: (method.upper(), re.sub(r"{\w+}", str(uuid4()), path))
        for path, item in client.get("/openapi.json").json()["paths"].items()
        for method, operation in item.items()
        if method != "get" and operation["operationId"] not in READS
    }


def permitted(api, changing, token):
    """The operations that a key may do. The objects do not exist, and the bodies are empty: what is permitted fails later."""
    codes = {name: api.raw(*where, token=token, json={}).status_code for name, where in changing.items()}
    assert set(codes.values()) <= {400, 403, 404, 405}
    return {name for name, code in codes.items() if code != 403}


def test_every_operation_that_changes_something_is_in_the_table(changing):
    assert set(changing) == set(NEEDED)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_its_rights_say_and_nothing_else(api, changing, role):
    expected = {name for name, right in NEEDED.items() if right in RIGHTS[role]}
    assert permitted(api, changing, api.key(role)) == expected


def test_an_operators_key_may_be_without_the_right_to_answer(api, changing):
    expected = {name for name, right in NEEDED.items() if right in RIGHTS[Role.OPERATOR] - {Right.ANSWER}}
    assert permitted(api, changing, api.key(Role.OPERATOR, may_answer=False)) == expected


def test_an_approver_reads_and_answers_and_an_agent_never_answers():
    assert RIGHTS[Role.APPROVER] == {Right.READ, Right.ANSWER}
    assert Right.ANSWER not in RIGHTS[Role.AGENT] | RIGHTS[Role.READER]


def test_an_agent_does_not_answer_its_own_request(api, queue, agent):
    api.add(queue, "a")
    token = api.key(Role.AGENT, for_agents=[agent])
    work = api("POST", f"/v1/agents/{agent}/claim", json={}, token=token)
    api(
        "POST",
        f"/v1/runs/{work['run_id']}/ask",
        json={"attempt": 1, "title": "May I?", "type": "approval"},
        token=token,
    )
    (request,) = api("GET", "/v1/human-requests")["human_requests"]
    for path in (
        f"/v1/human-requests/{request['id']}/answer",
        f"/v1/runs/{work['run_id']}/human-requests/{request['id']}/respond",
    ):
        for body in ({"decision": "approve"}, {"approved": True}):
            assert api("POST", path, 403, json=body, token=token)["error"] == "forbidden"
    assert api("GET", "/v1/human-requests")["human_requests"] == [request]
