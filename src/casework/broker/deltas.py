"""Hears what runs stream: parts of texts that nobody keeps."""

from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread
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


class Feed:
    """The streams of the runs that somebody follows at present. One thread and one connection hear them all; while nobody
    follows any, there are none. What is streamed while Redis is unavailable is lost."""

    SECONDS = 0.2
    """How soon a run that is new among those followed is heard."""
    PAUSE_SECONDS = 1.0
    """Before it connects again."""

    def __init__(self, url: str, names: Names, tell: Callable[[RunId, str], None]) -> None:
        """`tell` is called in the thread, with each part and its run."""
        self._url, self._names, self._tell = url, names, tell
        self._wanted: dict[str, RunId] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._hurry = Event()

    def follow(self, run_ids: Iterable[RunId]) -> None:
        """Hear these runs from now on, and no others."""
        with self._lock:
            self._wanted = {self._names.deltas(run_id): run_id for run_id in run_ids}
            if not self._wanted:
                self._hurry.set()
            elif self._thread is None:
                self._hurry.clear()
                self._thread = Thread(target=self._hear_while_followed, name="deltas", daemon=True)
                self._thread.start()

    def _hear_while_followed(self) -> None:
        while not self._ended():
            try:
                self._hear()
            except (RedisError, OSError):
                self._hurry.wait(self.PAUSE_SECONDS)

    def _ended(self) -> bool:
        with self._lock:
            if not self._wanted:
                self._thread = None
            return self._thread is None

    def _hear(self) -> None:
        pubsub: Any = client(self._url, socket_timeout=5).pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        heard: set[str] = set()
        try:
            while wanted := self._wanted:
                if new := wanted.keys() - heard:
                    pubsub.subscribe(*new)
                if gone := heard - wanted.keys():
                    pubsub.unsubscribe(*gone)
                heard = set(wanted)
                message = pubsub.get_message(timeout=self.SECONDS)
                if message and (run_id := wanted.get(message["channel"].decode())):
                    self._tell(run_id, message["data"].decode(errors="replace"))
        finally:
            pubsub.close()
