"""Kombu's Redis transport, restricted to messages that casework sent.

Any other message would raise an error in Celery's event loop, which ends the main process of the worker. Everything
here that overrides what kombu does not document is tested with the versions that pyproject admits.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.connection import Connection

from casework.broker.address import connection_options
from casework.broker.rejected import rejected

RUN_TASK = "casework.run"
TICK_TASK = "casework.tick"

_TCP_ONLY = ("host", "port", "socket_keepalive", "socket_keepalive_options")


def install() -> str:
    """Register the transport with kombu, and return its URL scheme."""
    TRANSPORT_ALIASES["casework"] = "casework.broker.transport:Transport"
    return "casework"


class Channel(redis.Channel):
    """Connects as casework's other clients do, and skips messages that are not JSON."""

    from_transport_options = (*redis.Channel.from_transport_options, "redis_url")  # type: ignore[assignment]
    redis_url: str

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options = connection_options(self.redis_url)
        self.connection_class = options.pop("connection_class", Connection)
        kept = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        if "path" in options:
            kept = {name: value for name, value in kept.items() if name not in _TCP_ONLY}
        return {**kept, "username": None, "password": None, "db": 0, **options}

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except ValueError as error:
            # The reply was read completely, so the connection can be used for the next one.
            rejected.add("list", f"not JSON: {error}")
            return True


class Transport(redis.Transport):
    """Delivers only messages that look like casework's."""

    Channel = Channel

    def _deliver(self, message: Any, queue: Any) -> None:
        problem = _problem(message)
        if problem:
            rejected.add(str(queue), problem)
        else:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def _problem(message: Any) -> str | None:
    """Why this is not a message from casework; None if it is one. The task itself checks its arguments."""
    if not isinstance(message, dict):
        return f"a {type(message).__name__} and not a message"
    headers, properties = message.get("headers"), message.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict) or not isinstance(message.get("body"), str):
        return "a message without headers, properties or body"
    if headers.get("task") not in (RUN_TASK, TICK_TASK) or not isinstance(headers.get("id"), str):
        return "a message for an unknown task"
    if not isinstance(properties.get("delivery_info"), dict) or "delivery_tag" not in properties:
        return "a message without delivery information"
    return None
