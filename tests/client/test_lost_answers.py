"""Connections that break, before and after the API has done what it was asked."""

from uuid import UUID

import httpx2
import pytest

from casework import Complete
from casework.client import Client, NoAnswer, NotFound, ServerError
from client.conftest import URL
from factories import history


class Faulty(httpx2.BaseTransport):
    """Passes requests to the API; each fault spoils one: "refused" and "lost" (after it was done), or a status."""

    def __init__(self, inner, *faults):
        self.inner, self.faults, self.seen = inner, list(faults), []

    def handle_request(self, request):
        self.seen.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refused":
            raise httpx2.ConnectError("connection refused", request=request)
        if isinstance(fault, int):
            return httpx2.Response(fault, headers={"retry-after": "0"}, content=b"overloaded")
        answer = self.inner.send(request)
        if fault == "lost":
            raise httpx2.ReadError("connection reset", request=request)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def faulty(api):
    def make(*faults, token=None, **options):
        transport = Faulty(api.client, *faults)
        return Client(URL, token or api.token, http=httpx2.Client(transport=transport), **options), transport

    return make


def test_a_case_whose_answer_was_lost_is_created_once(faulty, queue):
    client, transport = faulty("lost", "refused", 503)
    case = client.add_case(queue, "a")
    assert len(transport.seen) == 4
    assert len({request.headers["idempotency-key"] for request in transport.seen}) == 1
    assert [one["id"] for one in client.find_cases(queue)] == [case["id"]]


def test_two_calls_are_two_cases(faulty, queue):
    client, _ = faulty()
    assert client.add_case(queue, "a")["id"] != client.add_case(queue, "a")["id"]


def test_an_act_whose_answer_was_lost_is_not_repeated(faulty, queue):
    client, transport = faulty(None, "lost")
    case = client.add_case(queue, "a")
    with pytest.raises(
        NoAnswer, match=r"The API at http://testserver/v1 did not answer: ReadError: connection reset"
    ) as lost:
        client.delete_case(case["id"])
    assert lost.value.sent
    assert len(transport.seen) == 2
    with pytest.raises(NotFound):
        client.get_case(case["id"])


def test_an_act_that_never_left_is_repeated(faulty, queue):
    client, transport = faulty(None, "refused", 429)
    case = client.add_case(queue, "a")
    assert client.delete_case(case["id"]) == []
    assert len(transport.seen) == 4


def test_without_retries_the_first_failure_is_raised(faulty, queue):
    client, transport = faulty("refused", 502, retry_seconds=0)
    with pytest.raises(NoAnswer):
        client.list_requests()
    with pytest.raises(ServerError, match="overloaded"):
        client.list_requests()
    assert len(transport.seen) == 2


def test_no_key_is_sent_in_an_error(faulty, api):
    client, _ = faulty("refused", retry_seconds=0)
    with pytest.raises(NoAnswer) as failure:
        client.list_requests()
    assert api.token not in repr(failure.value)


def test_no_write_of_a_run_is_lost_or_doubled_with_its_answer(faulty, api, sync, queue, agent_key):
    case_id = sync.add_case(queue, "a")["id"]
    told = []

    def handler(run):
        run.say("begun")
        run.step("look", lambda: told.append(1) or 7)
        run.update(data={"n": 1})
        (new,) = run.add_cases([{"title": "new", "ready_at": "1h"}])
        return Complete(str(new))

    # The claim, then each write: its answer is lost, and the next try gets one.
    client, transport = faulty(
        None, *["lost", None] * 3, "lost", "refused", None, "lost", 503, None, "lost", token=agent_key
    )
    assert client.agent("remote").work(handler, until_idle=True) == 1
    assert transport.faults == []
    found = sync.get_case(case_id)
    assert (found["case"]["status"], found["case"]["data"]) == ("completed", {"n": 1})
    assert history(api.db, UUID(case_id)).count("completed") == 1
    assert found["events"][-1]["type"] in ("completed", "write_refused")
    assert len(list(sync.find_cases(queue))) == 2
    assert told == [1]
    with api.db.single() as tx:
        assert tx.sql("select count(*) from run_messages").scalar_one() == 1


def test_an_agent_that_cannot_claim_tries_again(faulty, api, sync, queue, agent_key, caplog):
    sync.add_case(queue, "a")
    client, transport = faulty("refused", token=agent_key, retry_seconds=0)
    pulling, ended = client.agent("remote"), []

    def handler(run):
        ended.append(run.id)
        pulling.stop()
        return Complete()

    assert pulling.work(handler) == 1
    assert "cannot claim now, and tries again" in caplog.text
    transport.faults = ["refused"]
    with pytest.raises(NoAnswer):
        pulling.work(handler, until_idle=True)


@pytest.mark.parametrize("fault", ["refused", 429, 502])
def test_an_end_that_cannot_be_reported_is_logged(faulty, sync, queue, agent_key, caplog, fault):
    case_id = sync.add_case(queue, "a")["id"]
    client, _ = faulty(None, fault, token=agent_key, retry_seconds=0)
    assert client.agent("remote").work(lambda run: Complete(), until_idle=True) == 1
    assert "was not reported; it starts again after its lease" in caplog.text
    assert sync.get_case(case_id)["case"]["status"] == "claimed"
