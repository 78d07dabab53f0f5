"""People and programs that come over HTTP: each asks again, with the same key, until it is answered."""

import http.client
import json
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from chaos.agents import SECONDS
from chaos.ground import Ground

ANSWER_SECONDS = 10.0
BETWEEN_SECONDS = 0.2
AGAIN_SECONDS = 0.1
NOT_THERE = 404
NO_ANSWER = (429, 503)
"""Statuses that say: ask again."""


class GivenUp(Exception):
    """The storm ended before the answer."""


class Caller:
    """One client, with a connection and a key of its own."""

    def __init__(self, ground: Ground, ending: threading.Event, seed: int) -> None:
        self._ground, self._port, self._token = ground, ground.port, ground.token(f"caller {seed}")
        self._ledger, self._ending, self._chance = ground.ledger, ending, random.Random(seed)
        self._connection: http.client.HTTPConnection | None = None

    def live(self, adding: threading.Event) -> None:
        """Go on for as long as cases are added."""
        acts: list[Callable[[], None]] = [self._create, self._create, self._retry, self._delegate, self._delete]
        with suppress(GivenUp):
            while adding.is_set():
                self._chance.choice([*acts, self._answer])()
                sleep(BETWEEN_SECONDS)
        self._close()

    def _create(self) -> None:
        """One case, or several at once."""
        key, count = str(uuid4()), self._chance.choice((1, 1, 1, 5, 20))
        new = [
            {"title": key, "data": {"seconds": self._chance.uniform(*SECONDS), "key": key}, "priority": "high"}
            for _ in range(count)
        ]
        self._ledger.asked[key] = count
        body, queue = {"case": new[0]} if count == 1 else {"cases": new}, self._queue
        status, answer, began = self._ask("POST", f"/v1/queues/{queue}/cases", body, key)
        if status == NOT_THERE and queue in self._ledger.deleted_queues:
            # Whether the cases were made or not, they are gone.
            del self._ledger.asked[key]
            return
        ids = [case["id"] for case in answer["added_cases"]] if status == 201 else []
        self._ledger.accept(queue, ids)
        self._ledger.answered[key] = ids
        self._ledger.at[key] = began

    @property
    def _queue(self) -> str:
        return str(self._ground.queue.id)

    def _some(self, count: int) -> list[str]:
        there = self._ledger.there[-400:]
        return self._chance.sample(there, min(count, len(there)))

    def _retry(self) -> None:
        if ids := self._some(2):
            self._ask("POST", f"/v1/queues/{self._queue}/cases/bulk-retry", {"case_ids": ids})

    def _delegate(self) -> None:
        if ids := self._some(2):
            body = {"case_ids": ids, "agent_id": str(self._ground.chosen)}
            self._ask("POST", f"/v1/queues/{self._queue}/cases/bulk-delegate", body)

    def _delete(self) -> None:
        for id in self._some(1):
            self._ledger.deleted |= {id}
            self._ask("DELETE", f"/v1/cases/{id}")

    def _answer(self) -> None:
        _, found, _ = self._ask("GET", f"/v1/human-requests?queue_id={self._queue}&limit=3")
        for one in found.get("human_requests", ()):
            path = f"/v1/runs/{one['run_id']}/human-requests/{one['id']}/respond"
            self._ask("POST", path, {"answers": {one["title"]: "yes"}})

    def _ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any, float]:
        """The status, the answer, and when the request that got it began."""
        while not self._ending.is_set():
            began = monotonic()
            with suppress(OSError, http.client.HTTPException):
                status, answer = self._once(method, path, body, key)
                if status < 500 and status not in NO_ANSWER:
                    return status, answer, began
                if status not in NO_ANSWER:
                    self._ledger.mistakes.append(f"{status} {method} {path}")
            self._close()
            self._ledger.repeats += 1
            sleep(AGAIN_SECONDS)
        raise GivenUp

    def _once(self, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        self._ledger.replayed += answer.getheader("idempotent-replayed") == "true"
        return answer.status, json.loads(answer.read() or b"null")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
