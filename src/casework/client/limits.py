"""Limits, as operations of both clients."""

from typing import Any

from casework.client import shapes as s
from casework.client.exchange import Flow
from casework.client.operations import Id, Operations, as_id, operation, part


class LimitOperations(Operations):
    """All operations, with those on limits."""

    @operation
    def list_limits(self, queue: Id | None = None) -> Flow[list[s.Limit]]:
        """The limits of the team, or those that bind the cases of the queue with that name or id."""
        query = {} if queue is None else {"queue_id": (yield from self._id_of("queues", queue))}
        found = yield from self._call("GET", "/limits", query=query)
        limits: list[s.Limit] = found["limits"]
        return limits

    @operation
    def set_limit(
        self,
        *,
        queue: Id | None = None,
        agent: Id | None = None,
        key: str | None = None,
        concurrency: int | None = None,
        rate: s.Rate | None = None,
    ) -> Flow[s.Limit]:
        """Make a limit, or replace the one that has this queue, agent and key: a name or id each.

        `key` is `label:NAME` or `data.PATH`; each of its values is bounded for itself. `concurrency` is how many runs may hold
        a slot at once, and `rate` how many may start in how many seconds.
        """
        body: dict[str, Any] = {"key": key, "concurrency": concurrency, "rate": rate}
        for field, kind, ref in (("queue_id", "queues", queue), ("agent_id", "agents", agent)):
            if ref is not None:
                body[field] = yield from self._id_of(kind, ref)
        put = yield from self._call("PUT", "/limits", body, repeatable=True)
        limit: s.Limit = put["limit"]
        return limit

    @operation
    def delete_limit(self, limit_id: Id) -> Flow[None]:
        """Delete a limit. What waited because of it is claimed in its turn."""
        yield from self._call("DELETE", f"/limits/{part(limit_id)}")

    def _id_of(self, kind: str, ref: Id) -> Flow[str]:
        return as_id(ref) or (yield from self._find(kind, str(ref)))
