"""Hears what a run streams: parts of texts that nobody keeps."""

from typing import Any

from redis import RedisError

from casework.broker.address import client
from casework.broker.names import Names
from casework.core.model import RunId
from casework.errors import BrokerUnavailable


class Deltas:
    """The stream of one run, from now on. Use it in a `with` block, which raises BrokerUnavailable if Redis is unavailable."""

    def __init__(self, url: str, names: Names, run_id: RunId) -> None:
        self._url, self._channel = url, names.deltas(run_id)

    def __enter__(self) -> "Deltas":
        try:
            self._pubsub: Any = client(self._url, socket_timeout=5).pubsub()  # type: ignore[no-untyped-call]
            self._pubsub.subscribe(self._channel)
            # The answer to the subscription: what is streamed from here on is heard.
            self._pubsub.get_message(timeout=5)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(f"The broker does not answer: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()

    def next(self, seconds: float) -> str:
        """The next part, if one comes within that time; else an empty text. Raises BrokerUnavailable."""
        try:
            heard = self._pubsub.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(f"The broker does not answer: {error}") from error
        return heard["data"].decode(errors="replace") if heard else ""
