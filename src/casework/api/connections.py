"""Connections: how many there may be, and how long one may stay without a whole request or without reading an answer."""

import asyncio
import resource
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from casework import events

HEADER_SECONDS = 10.0
"""How long the head of a request may take, from the connection's beginning or from its first byte."""

WRITE_SECONDS = 30.0
"""How long a client may leave an answer unread."""

_FILES_FOR_OTHERS = 100
"""File descriptors that the process needs besides connections: database, Redis, log, listeners."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: application/json\r\n"
    b"content-length: 71\r\n\r\n"
    b'{"error":"unavailable","message":"There are too many connections now."}'
)


def connections_that_fit(wanted: int) -> int:
    """The number of connections that the process can open files for, up to `wanted`. Raises the limit of open files if
    needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _FILES_FOR_OTHERS
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return wanted if soft == resource.RLIM_INFINITY else max(10, min(wanted, soft - _FILES_FOR_OTHERS))


class Room:
    """The limit on connections. If it is reached, an idle connection is closed to admit a new one."""

    def __init__(self, most: int, header_seconds: float = HEADER_SECONDS, write_seconds: float = WRITE_SECONDS) -> None:
        self.most = most
        self.header_seconds = header_seconds
        self.write_seconds = write_seconds
        self.idle: dict[GuardedProtocol, None] = {}

    def protocol(self, *arguments: Any, **options: Any) -> asyncio.Protocol:
        """Make the protocol of a connection; uvicorn calls this."""
        return GuardedProtocol(self, *arguments, **options)


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol with time-outs, and with room for only so many connections."""

    def __init__(self, room: Room, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._room = room
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._room.most and not self._make_room():
            events.emit(events.ConnectionsFull(len(self.connections) - 1))
            transport.write(_FULL)
            transport.close()
        self._wait_for_head()

    def _make_room(self) -> bool:
        oldest = next(iter(self._room.idle), None)
        if oldest is None:
            return False
        oldest.give_up()
        return True

    def give_up(self) -> None:
        """End the connection, whatever is still to be sent."""
        self._stop_waiting()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass on what arrived. The time-out runs until the head of the request is complete."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait_for_head()
        else:
            self._stop_waiting()

    def _wait_for_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self._room.header_seconds, self.give_up)
            self._room.idle[self] = None

    def _stop_waiting(self) -> None:
        self._room.idle.pop(self, None)
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def on_response_complete(self) -> None:
        """Count the connection as idle from now on; uvicorn closes it a few seconds later."""
        super().on_response_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """Start the time-out: the client does not read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._room.write_seconds, self.give_up)

    def resume_writing(self) -> None:
        """Stop the time-out: the client reads again."""
        super().resume_writing()
        self._stop_unread()

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_unread()
        super().connection_lost(exc)
