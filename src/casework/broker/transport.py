"""Kombu's Redis transport, which passes on only messages that casework sent.

What cannot be decoded, or is none of casework's tasks, raises in Celery's event loop otherwise, and ends a worker's main
process. Everything here that overrides what kombu does not document is tested with the versions that pyproject admits.
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
    """Make the transport known to kombu, and return the scheme of URLs that choose it."""
    TRANSPORT_ALIASES["casework"] = "casework.broker.transport:Transport"
    return "casework"


class Channel(redis.Channel):
    """Connects as casework's other clients do, and reads past what is not JSON."""

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
            # The reply was read to its end: the connection is ready for the next one.
            rejected.add("list", f"not JSON: {error}")
            return True


class Transport(redis.Transport):
    """Delivers what looks like a message of casework."""

    Channel = Channel

    def _deliver(self, message: Any, queue: Any) -> None:
        problem = _problem(message)
        if problem:
            rejected.add(str(queue), problem)
        else:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def _problem(message: Any) -> str | None:
    """Why it is not a message of casework; None if it is one. What its task's arguments hold is the task's to check."""
    if not isinstance(message, dict):
        return f"a {type(message).__name__} and not a message"
    headers, properties = message.get("headers"), message.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict) or not isinstance(message.get("body"), str):
        return "a message without headers, properties or body"
    if headers.get("task") not in (RUN_TASK, TICK_TASK) or not isinstance(headers.get("id"), str):
        return "a message for none of casework's tasks"
    if not isinstance(properties.get("delivery_info"), dict) or "delivery_tag" not in properties:
        return "a message without delivery information"
    return None
