"""Connections that send slowly, nothing, or too much; each on a socket of its own, over uvicorn."""

import asyncio
import logging
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

import pytest
import uvicorn

from casework.api import connections
from casework.api.app import create_app
from casework.api.connections import Room
from casework.api.log_flood import FloodFilter
from casework.api.middleware import RequestMiddleware
from casework.core.roles import Role
from patience import PATIENCE


@contextmanager
def served(app, room):
    """The application on a port of its own, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=room.protocol, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


@pytest.fixture(scope="module")
def port(installation):
    with served(create_app(installation), Room(20, header_seconds=0.5, write_seconds=0.5)) as found:
        yield found


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_all(client):
    """What comes until the other side ends the connection."""
    found = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            found += part
    return found


def ask(port, *lines, body=b""):
    with connect(port) as client:
        client.sendall("\r\n".join([*lines, "host: x", "", ""]).encode() + body)
        answer = HTTPResponse(client)
        answer.begin()
        return answer.status, answer.headers, answer.read().decode()


HEALTH = ("GET /healthz HTTP/1.1",)


@pytest.mark.parametrize("sent", [b"", b"G", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"])
def test_a_connection_without_a_whole_request_is_ended(port, sent):
    with connect(port) as client:
        client.sendall(sent)
        assert read_all(client) == b""
    assert ask(port, *HEALTH)[0] == 200


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(port):
    with connect(port) as client:
        with pytest.raises(OSError):
            for _ in range(200):
                client.sendall(b"a")
                time.sleep(0.02)
        client.close()


def test_whoever_waits_without_a_request_gives_way(port):
    with_nothing = [connect(port) for _ in range(60)]
    try:
        assert ask(port, *HEALTH)[0] == 200
        assert read_all(with_nothing[0]) == b""
    finally:
        for client in with_nothing:
            client.close()


def test_when_all_connections_work_another_one_is_refused():
    working, release = threading.Semaphore(0), threading.Event()

    async def app(scope, receive, send):
        working.release()
        await asyncio.to_thread(release.wait, 20)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    with served(app, Room(2)) as port:
        busy = [connect(port) for _ in range(2)]
        for client in busy:
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert working.acquire(timeout=PATIENCE)
        status, _, body = ask(port)
        assert (status, '"error":"unavailable"' in body) == (503, True)
        release.set()
        for client in busy:
            assert b"200 OK" in client.recv(1000)
            client.close()


def test_a_client_that_reads_nothing_is_left():
    ended = threading.Event()

    async def app(scope, receive, send):
        async def until_gone():
            while (await receive())["type"] != "http.disconnect":
                pass

        gone = asyncio.ensure_future(until_gone())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
            await asyncio.sleep(0)
        ended.set()

    with served(app, Room(2, write_seconds=0.2)) as port, connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert ended.wait(PATIENCE)


def test_a_key_is_checked_before_the_body_is_read(port, api):
    head = ("POST /v1/queues HTTP/1.1", "content-type: application/json", "content-length: 1000000")
    for authorization in ((), ("authorization: Bearer x",)):
        assert ask(port, *head, *authorization)[0] == 401


def test_a_role_is_checked_before_the_body_is_read(port, api):
    head = (f"authorization: Bearer {api.key(Role.READER)}", "content-length: 1000000")
    assert ask(port, "POST /v1/queues HTTP/1.1", *head)[0] == 403


@pytest.mark.parametrize("length", ["1048577", "9" * 19])
def test_a_body_that_is_too_long_is_refused_unread(port, length):
    assert ask(port, "POST /v1/queues HTTP/1.1", f"content-length: {length}")[0] == 413


def test_a_request_with_a_length_and_chunks_is_refused(port, api):
    status, headers, _ = ask(
        port,
        "POST /v1/queues HTTP/1.1",
        f"authorization: Bearer {api.token}",
        "content-length: 4",
        "transfer-encoding: chunked",
        body=b"0\r\n\r\n",
    )
    assert (status, headers["connection"]) == (400, "close")


def test_a_body_that_does_not_come_is_a_408(installation, api):
    app = RequestMiddleware(create_app(installation), body_seconds=0.2)
    with served(app, Room(20)) as port:
        head = (f"authorization: Bearer {api.token}", "content-type: application/json", "content-length: 100")
        status, _, body = ask(port, "POST /v1/queues HTTP/1.1", *head, body=b"{")
    assert (status, '"error":"timed_out"' in body) == (408, True)


def test_the_process_opens_as_many_connections_as_it_has_files_for(monkeypatch):
    limits = [(256, 1024)]
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: limits[0])
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, both: limits.__setitem__(0, both))
    assert connections.connections_that_fit(500) == 500
    assert limits == [(600, 1024)]
    assert connections.connections_that_fit(5000) == 924
    assert limits == [(1024, 1024)]


def record(name="uvicorn.error", message="odd request", **ids):
    made = logging.LogRecord(name, logging.WARNING, "", 0, message, (), None)
    made.ids = ids
    return made


def test_lines_that_strangers_cause_are_counted_after_a_while():
    now = [0.0]
    flood = FloodFilter(most=3, seconds=10, clock=lambda: now[0])
    assert [flood.filter(record()) for _ in range(10)] == [True] * 3 + [False] * 7
    assert flood.filter(record(message="another kind"))
    assert all(flood.filter(record(key="k")) for _ in range(10))
    now[0] = 11.0
    late = record()
    assert flood.filter(late)
    assert late.ids == {"left_out": 7}
