"""What a producer and a person do, with both clients, against the real API."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from casework.client import (
    Client,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotEnded,
    NotFound,
    Unauthorized,
)
from casework.core.roles import Role
from casework.errors import InvalidInput
from client.conftest import URL


def claim(api, agent):
    return api("POST", f"/v1/agents/{agent}/claim", json={})


def test_adds_a_case_and_reads_it_with_its_history(remote, queue):
    added = remote.add_case(
        "inbox",
        "Invoice 7",
        data={"amount": 250, "exact": 12345678901234567890},
        labels=[{"key": "vendor", "value": "Blue Harbor"}],
        priority="high",
        ready_at=timedelta(hours=2),
    )
    found = remote.get_case(added["id"])
    case = found["case"]
    assert (case["title"], case["priority"], case["status"]) == ("Invoice 7", "high", "postponed")
    assert case["data"] == {"amount": 250, "exact": 12345678901234567890}
    assert [one["value"] for one in case["labels"]] == ["Blue Harbor"]
    assert found["events"][0]["type"] == "created"
    assert remote.explain_case(UUID(added["id"]))["code"]


def test_adds_nothing_twice_with_a_key_or_an_idempotency_key(remote, queue):
    first = remote.add_cases(queue, [{"title": "a", "key": "k"}, {"title": "b"}], idempotency_key="order 1")
    again = remote.add_cases(queue, [{"title": "a", "key": "k"}, {"title": "b"}], idempotency_key="order 1")
    assert again == first
    assert remote.add_case(queue, "later", key="k")["id"] == first["added_cases"][0]["id"]
    assert len(list(remote.find_cases(queue))) == 2
    with pytest.raises(Conflict):
        remote.add_cases(queue, [{"title": "c"}], idempotency_key="order 1")


def test_finds_the_cases_of_all_pages(remote, queue):
    for start in (0, 100, 200):
        remote.add_cases(queue, [{"title": f"case {start + n:03}"} for n in range(100 if start < 200 else 50)])
    titles = [case["title"] for case in remote.find_cases(queue, sort_by="title", sort_order="asc")]
    assert titles == [f"case {n:03}" for n in range(250)]
    assert [case["title"] for case in remote.find_cases("inbox", search="017")] == ["case 017"]
    assert list(remote.find_cases(queue, filters={"status": ["failed"]})) == []


def test_reads_a_page_only_when_it_is_needed(sync, queue):
    sync.add_cases(queue, [{"title": str(n)} for n in range(100)])
    sync.add_case(queue, "one more")
    found = sync.find_cases(queue)
    assert next(found)["title"] == "one more"
    sync.delete_cases(queue, [case["id"] for case in sync.find_cases(queue, search='"0"')])
    assert len(list(found)) == 99


def test_changes_settles_retries_postpones_and_deletes(remote, queue, agent):
    case_id = remote.add_case(queue, "a")["id"]
    assert remote.update_case(case_id, title="b", data=None)["case"]["data"] is None
    assert remote.settle_cases(queue, [case_id], "completed")["updatedCount"] == 1
    assert remote.retry_cases("inbox", [UUID(case_id)])["retriedCount"] == 1
    assert remote.delegate_cases(queue, [case_id], "remote")["delegatedCount"] == 1
    assert remote.get_case(case_id)["case"]["assigned_agent_id"] == agent
    until = datetime.now(UTC) + timedelta(days=1)
    assert remote.postpone_cases(queue, [case_id], until, reason="closed")["postponedCount"] == 1
    assert remote.get_case(case_id)["case"]["status"] == "postponed"
    assert remote.delete_case(case_id) == []
    assert remote.delete_cases(queue, [case_id]) == {"deletedCount": 0, "interruptedRunIds": []}
    with pytest.raises(NotFound):
        remote.get_case(case_id)


def test_stops_a_run_with_its_reason(remote, api, queue, agent):
    case_id = remote.add_case(queue, "a")["id"]
    remote.stop_run(claim(api, agent)["run_id"], reason="not now")
    found = remote.get_case(case_id)
    assert (found["case"]["status"], found["events"][-1]["reason"]) == ("failed", "not now")


def asks(api, agent, **question):
    work = claim(api, agent)
    api("POST", f"/v1/runs/{work['run_id']}/ask", json={"attempt": work["attempt"], **question})


def test_answers_approves_and_denies_what_runs_ask(remote, api, queue, agent):
    remote.add_cases(queue, [{"title": str(n)} for n in range(3)])
    asks(api, agent, title="Which?", options=["x", "y"])
    asks(api, agent, type="approval", title="Pay?")
    asks(api, agent, type="approval", title="Delete?")
    question, pay, delete = remote.list_requests()
    assert [one["title"] for one in remote.list_requests(queue="inbox", most=2)] == ["Which?", "Pay?"]
    assert remote.answer(question, "x")["response"] == "x"
    assert remote.approve(pay)["response"] is True
    assert remote.deny(delete)["response"] is False
    assert remote.list_requests() == []
    assert {one["status"] for one in remote.list_requests(queue, pending=False)} == {"answered"}
    with pytest.raises(Conflict, match='it was answered with "x" by') as refused:
        remote.answer(question, "y")
    assert refused.value.code == "already_answered"


def test_edits_fills_in_and_says_why(remote, api, queue, agent):
    remote.add_cases(queue, [{"title": "a"}])
    work = api("POST", f"/v1/agents/{agent}/claim", json={})
    wanted = [
        {"type": "approval", "title": "Refund?", "action": {"name": "refund"}, "decisions": ["edit", "approve"]},
        {"type": "form", "title": "How many?", "schema": {"type": "integer"}},
    ]
    body = {"attempt": 1, "outcome": "needs_input", "requests": wanted}
    api("POST", f"/v1/runs/{work['run_id']}/outcome", json=body)
    (refund,) = remote.list_requests(kind="approval")
    (form,) = remote.list_requests(queue, kind="form")
    assert remote.list_requests(assignee="me") == []
    edited = remote.edit(refund, {"euros": 5}, message="less")
    assert (edited["decision"], edited["arguments"], edited["message"]) == ("edit", {"euros": 5}, "less")
    with pytest.raises(InvalidRequest, match="does not fit"):
        remote.answer(form, "3")
    assert remote.answer(form, 3)["response"] == 3
    assert remote.get_request(form["id"])["status"] == "answered"


def test_waits_for_a_case_to_end_and_no_longer_than_asked(remote, queue):
    case_id = remote.add_case(queue, "a")["id"]
    with pytest.raises(NotEnded, match=rf"{case_id} is still pending after 0.2 seconds"):
        remote.wait_for_case(case_id, timeout=0.2)
    assert remote.wait_for_case(case_id, timeout=0, until=["pending"])["case"]["id"] == case_id
    remote.settle_cases(queue, [case_id], "failed")
    assert remote.wait_for_case(case_id, timeout=5)["case"]["status"] == "failed"
    with pytest.raises(NotFound):
        remote.wait_for_case(uuid4(), timeout=5)


def test_finds_a_queue_that_was_deleted_and_created_again(sync, api, queue):
    sync.add_case("inbox", "a")
    deleted = api("DELETE", f"/v1/queues/{queue}")
    assert deleted["success"]
    new = api("POST", "/v1/queues", 201, json={"name": "inbox"})["queue"]["id"]
    assert sync.add_case("inbox", "b")["queue_id"] == new
    with pytest.raises(NotFound, match="There is no queue 'outbox'"):
        sync.add_case("outbox", "a")


def test_refuses_what_cannot_be_sent_before_sending_it(remote, queue):
    with pytest.raises(InvalidInput, match="not JSON"):
        remote.add_case(queue, "a", data={"when": datetime.now(UTC)})
    with pytest.raises(InvalidInput, match="not JSON"):
        remote.add_case(queue, "a", data=float("nan"))
    for key in ("заказ", "a\nb"):
        with pytest.raises(InvalidInput, match="The idempotency key"):
            remote.add_case(queue, "a", idempotency_key=key)
    with pytest.raises(InvalidInput, match="as a list"):
        remote.delete_cases(queue, str(uuid4()))
    with pytest.raises(InvalidInput, match="no time zone"):
        remote.postpone_cases(queue, [uuid4()], datetime(2030, 1, 1))  # noqa: DTZ001 - without a zone
    assert list(remote.find_cases(queue)) == []


def test_an_id_cannot_lead_to_another_operation(sync, queue):
    with pytest.raises((NotFound, InvalidRequest)):
        sync.get_case(f"../queues/{queue}")
    with pytest.raises((NotFound, InvalidRequest)):
        sync.delete_case(f"x/../../queues/{queue}/cases?")


def test_errors_say_what_the_api_said(sync, api, queue):
    with pytest.raises(InvalidRequest, match=r"cases.0.title: .*\(400 invalid_request, request \w+\)") as refused:
        sync.add_case(queue, "")
    assert refused.value.details[0]["field"] == "cases.0.title"
    assert len(refused.value.request_id or "") == 32
    reader = Client(URL, api.key(Role.READER), http=api.client)
    with pytest.raises(Forbidden):
        reader.add_case(queue, "a")
    with pytest.raises(Unauthorized):
        Client(URL, f"cw_{'0' * 16}_{'A' * 43}", http=api.client).get_case(uuid4())


@pytest.mark.parametrize(
    ("url", "key"), [("127.0.0.1:8080", "k"), ("", "k"), ("http://x", ""), ("http://x", "a\nb"), ("http://x", "ключ")]
)
def test_refuses_an_address_or_a_key_that_cannot_be_one(url, key):
    with pytest.raises(InvalidInput):
        Client(url, key)


def test_takes_the_address_with_or_without_the_version(api, queue):
    for url in (URL, f"{URL}/", f"{URL}/v1", f"{URL}/v1/"):
        assert Client(url, api.token, http=api.client).list_requests(queue) == []
