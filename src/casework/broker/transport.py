"""Kombu's Redis transport, restricted to messages that casework sent.

Any other message would raise an error in Celery's event loop, which ends the main process of the worker. Everything
here that overrides what kombu does not document is tested with the versions that pyproject admits.
"""

import base64
import json
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.connection import Connection

from casework.broker.address import connection_options
from casework.broker.envelope import RUN_TASK, TICK_TASK
from casework.broker.rejected import rejected

_TCP_ONLY = ("host", "port", "socket_keepalive", "socket_keepalive_options")


def install() -> str:
    """Register the transport with kombu, and return its URL scheme."""
    TRANSPORT_ALIASES["casework"] = "casework.broker.transport:Transport"
    return "casework"


_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What decoding an element of a list may raise: kombu makes identifiers, moments and decimal numbers of some JSON."""


class Channel(redis.Channel):
    """Connects as casework's other clients do, and skips messages that are not JSON."""

    from_transport_options = (*redis.Channel.from_transport_options, "redis_url")  # type: ignore[assignment]
    redis_url: str
    _common: Any = None

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options = connection_options(self.redis_url)
        self.connection_class = options.pop("connection_class", Connection)
        kept = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        if "path" in options:
            kept = {name: value for name, value in kept.items() if name not in _TCP_ONLY}
        return {**kept, "username": None, "password": None, "db": 0, **options}

    def _create_client(self, asynchronous: bool = False) -> Any:
        """The client that waits for messages is the channel's own; all others are one, which is made once for its pool.
        To make one takes half of the time of what it is made for, a push to a list."""
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]
        if self._common is None or self._common.connection_pool is not self.pool:
            self._common = super()._create_client()  # type: ignore[no-untyped-call]
        return self._common

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except _UNREADABLE as error:
            # The reply was read completely, so the connection can be used for the next one.
            rejected.add("list", f"not JSON: {type(error).__name__}: {error}")
            return True


class Transport(redis.Transport):
    """Delivers only messages that look like casework's."""

    Channel = Channel

    def _deliver(self, message: Any, queue: Any) -> None:
        problem = _problem(message)
        if problem:
            rejected.add(str(queue), problem)
        else:
            super()._deliver(_plain(message), queue)  # type: ignore[no-untyped-call]


def _problem(message: Any) -> str | None:
    """Why this is not a message from casework; None if it is one. The task itself checks what its arguments mean."""
    if not isinstance(message, dict):
        return f"a {type(message).__name__} and not a message"
    headers, properties = message.get("headers"), message.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict) or not isinstance(message.get("body"), str):
        return "a message without headers, properties or body"
    if headers.get("task") not in (RUN_TASK, TICK_TASK) or not isinstance(headers.get("id"), str):
        return "a message for an unknown task"
    if not isinstance(properties.get("delivery_info"), dict) or "delivery_tag" not in properties:
        return "a message without delivery information"
    return None if _holds_arguments(message["body"]) else "a message whose body holds no arguments"


def _holds_arguments(body: str) -> bool:
    """Whether the body is arguments as Celery packs them, with no callbacks or chains behind them."""
    try:
        given, named, behind = json.loads(base64.b64decode(body))
    except (ValueError, TypeError, RecursionError):
        return False
    return (
        isinstance(given, list)
        and isinstance(named, dict)
        and (behind is None or (isinstance(behind, dict) and not any(behind.values())))
    )


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message with only what casework's own need: nobody else sets times, limits, callbacks or a compression."""
    headers, properties = message["headers"], message["properties"]
    return {
        "body": message["body"],
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": headers["task"], "id": headers["id"]},
        "properties": {
            "body_encoding": "base64",
            "correlation_id": headers["id"],
            "delivery_info": {"exchange": "", "routing_key": ""},
            "delivery_tag": str(properties["delivery_tag"]),
        },
    }
