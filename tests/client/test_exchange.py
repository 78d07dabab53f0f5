"""When a call is sent again and what its answers mean: played without a network and without waiting."""

import json
from dataclasses import dataclass, field

import pytest

from casework.client import (
    ApiError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NoAnswer,
    NotFound,
    RunLost,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from casework.client.exchange import Answer, Pause, Request, Retries, call
from casework.errors import RunLost as RunLostInPython

READ = Request("GET", "/x")
WRITE = Request("POST", "/x", {})
KEYED = Request("POST", "/x", {}, idempotency_key="k")
REPEATABLE = Request("POST", "/x", {}, repeatable=True)
DELETE = Request("DELETE", "/x")

DONE = Answer(200, b'{"done": true}')
UNSENT, LOST = NoAnswer("refused", sent=False), NoAnswer("reset", sent=True)


def failed(status, code="odd", message="No.", **headers):
    body = json.dumps({"error": code, "message": message}).encode()
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Played:
    """What a call did until it ended."""

    sent: int = 0
    pauses: list[float] = field(default_factory=list)
    result: object = None
    error: Exception | None = None


def play(request, *answers, seconds=60.0, jitter=1.0):
    """Do the call with these answers, the last of them again and again; pauses pass at once."""
    played, now = Played(), [0.0]
    flow = call(request, Retries(seconds, clock=lambda: now[0], jitter=lambda: jitter))
    try:
        wanted = next(flow)
        while True:
            if isinstance(wanted, Pause):
                played.pauses.append(wanted.seconds)
                now[0] += wanted.seconds
                wanted = flow.send(None)
                continue
            answer = answers[min(played.sent, len(answers) - 1)]
            played.sent += 1
            wanted = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
    except StopIteration as end:
        played.result = end.value
    except Exception as error:
        played.error = error
    return played


@pytest.mark.parametrize(
    ("request_", "failure", "tries"),
    [
        (READ, UNSENT, 2),
        (WRITE, UNSENT, 2),
        (READ, LOST, 2),
        (KEYED, LOST, 2),
        (REPEATABLE, LOST, 2),
        (WRITE, LOST, 1),
        (DELETE, LOST, 1),
        (READ, failed(500), 2),
        (KEYED, failed(502), 2),
        (WRITE, failed(500), 1),
        (WRITE, failed(500, retry_after="1"), 1),
        (WRITE, failed(503), 1),
        (WRITE, failed(503, retry_after="1"), 2),
        (WRITE, failed(429), 2),
        (WRITE, failed(429, retry_after="1"), 2),
        (READ, failed(400), 1),
        (READ, failed(401), 1),
        (READ, failed(403), 1),
        (READ, failed(404), 1),
        (KEYED, failed(409), 1),
        (READ, failed(413), 1),
        (READ, Answer(302, b"", {"location": "http://elsewhere"}), 1),
        (READ, Answer(200, b"<html>"), 1),
    ],
)
def test_sends_again_what_can_help_and_does_no_harm(request_, failure, tries):
    played = play(request_, failure, DONE)
    assert played.sent == tries
    assert (played.result == {"done": True}) is (tries == 2)
    assert (played.error is None) is (tries == 2)


def test_pauses_double_up_to_the_longest_within_the_total():
    played = play(READ, failed(500))
    assert played.pauses == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    assert isinstance(played.error, ServerError)
    assert play(READ, failed(500), jitter=0.0).pauses[:5] == [0.25, 0.5, 1, 2, 4]
    assert play(READ, failed(500), seconds=0).sent == 1


def test_waits_as_long_as_the_api_asks_unless_that_exceeds_the_total():
    assert play(READ, failed(429, retry_after="7"), DONE).pauses == [7]
    dated = failed(503, retry_after="Mon, 02 Mar 2026 10:00:09 GMT", date="Mon, 02 Mar 2026 10:00:00 GMT")
    assert play(READ, dated, DONE).pauses == [9]
    far = play(READ, failed(429, retry_after="61"), DONE)
    assert (far.sent, far.pauses) == (1, [])
    assert isinstance(far.error, TooManyRequests)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", InvalidRequest),
        (408, "timed_out", InvalidRequest),
        (413, "too_large", InvalidRequest),
        (401, "unauthorized", Unauthorized),
        (403, "target_not_allowed", Forbidden),
        (404, "not_found", NotFound),
        (409, "transition_refused", Conflict),
        (409, "run_lost", RunLost),
        (429, "too_many_requests", TooManyRequests),
        (500, "internal_error", ServerError),
        (405, "method_not_allowed", ApiError),
    ],
)
def test_each_answer_is_one_error_with_what_the_api_said(status, code, kind):
    error = play(READ, failed(status, code, "Because.", x_request_id="r1"), seconds=0).error
    assert type(error) is kind
    assert (error.status, error.code, error.message, error.request_id) == (status, code, "Because.", "r1")
    assert str(error) == f"Because. ({status} {code}, request r1)"


def test_a_lost_run_is_the_error_that_agents_in_python_know():
    assert isinstance(play(READ, failed(409, "run_lost")).error, RunLostInPython)


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer(502, b"<html>bad gateway</html>"), ServerError, "'<html>bad gateway</html>'"),
        (Answer(301, b"", {"location": "https://x"}), ApiError, "a redirect to https://x"),
        (Answer(200, b"\xff<login>"), ApiError, "<login>"),
        (Answer(404, b"[]"), NotFound, "[]"),
        (Answer(404, b'{"error": 7}'), NotFound, "error"),
        (Answer(500, b"x" * 100_000), ServerError, "x" * 200),
    ],
)
def test_an_answer_that_is_not_the_apis_is_an_error_that_quotes_it(answer, kind, text):
    error = play(READ, answer, seconds=0).error
    assert type(error) is kind
    assert error.code == "not_casework"
    assert text in str(error)
    assert len(str(error)) < 400


def test_an_answer_without_a_body_is_none():
    played = play(READ, Answer(204, b""))
    assert (played.result, played.error) == (None, None)
