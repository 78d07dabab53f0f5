"""Connections that break, before and after the API has done what it was asked."""

import httpx2
import pytest

from casework.client import Client, NoAnswer, NotFound, ServerError
from client.conftest import URL


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
    def make(*faults, **options):
        transport = Faulty(api.client, *faults)
        return Client(URL, api.token, http=httpx2.Client(transport=transport), **options), transport

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
