"""A claimed run as the API sees it: its heartbeats, its writes and its end, as flows."""

import logging
from dataclasses import replace
from typing import Any

from casework.agents.outcomes import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.results import Asked, Crashed, Lost, Result, Returned, Stopped
from casework.agents.stop import Stop
from casework.client.errors import PASSING, ClientError, InvalidRequest, NotFound, RunLost
from casework.client.exchange import Flow, Request, call
from casework.client.operations import Operations, written
from casework.client.shapes import Work
from casework.core import fields
from casework.core.payload import MAX_REASON, storable

log = logging.getLogger("casework.client")


class Lease:
    """One attempt of a run that this program holds."""

    def __init__(self, api: Operations, work: Work, stop: Stop) -> None:
        self.run_id, self.attempt, self.seconds = work["run_id"], work["attempt"], work["lease_seconds"]
        self.queue_id = work["case"]["queue_id"]
        self.stop = stop
        self.lost = False
        self.api = api

    @property
    def pause(self) -> float:
        """Seconds between two heartbeats: several may fail before the lease is over."""
        return self.seconds / 5

    def beat(self) -> Flow[bool]:
        """Send a heartbeat, and ask the run to stop if the API says so. Returns False if the run is lost."""
        body, limit = {"attempt": self.attempt}, max(1.0, self.seconds / 3)
        request = Request("POST", self._path("heartbeat"), body, repeatable=True, timeout=limit)
        try:
            alive = yield from call(request, replace(self.api.retries, seconds=0.0))
            if alive["stop"]:
                self.stop.request()
        except (RunLost, NotFound):
            self.lost = True
            self.stop.request()
        except ClientError as error:
            log.warning("A heartbeat of the run %s failed; the next one may get through: %s", self.run_id, error)
        return not self.lost

    def write(self, what: str, **fields: Any) -> Flow[str]:
        """A write of the run. Repeated, it changes nothing: it names the attempt, and what it adds has a key or name."""
        done = yield from self.call(what, **fields)
        return str(done["result"])

    def call(self, what: str, **fields: Any) -> Flow[Any]:
        """What the API answers to the attempt that names itself."""
        body = {"attempt": self.attempt, **fields}
        return (yield from call(Request("POST", self._path(what), body, repeatable=True), self.api.retries))

    def end(self, result: Result) -> Flow[str]:
        """Report how the attempt ended. Returns the API's word for it, or "lost", or "not reported"."""
        if isinstance(result, Crashed):
            log.warning("The run %s failed: %s%s", self.run_id, result.reason, _below(result.traceback))
        if self.lost or isinstance(result, Lost):
            return "lost"
        try:
            try:
                return (yield from self._report(result))
            except InvalidRequest as error:
                refused = f"The API refused the agent's outcome: {error.message}"
                log.warning("The run %s failed: %s", self.run_id, refused)
                return (yield from self.write("outcome", outcome="fail", reason=_reason(refused)))
        except (RunLost, NotFound):
            return "lost"
        except PASSING as error:
            log.error("The end of the run %s was not reported; it starts again after its lease: %s", self.run_id, error)
            return "not reported"

    def _report(self, result: Result) -> Flow[str]:
        match result:
            case Returned(outcome):
                return self.write("outcome", **_outcome(outcome))
            case Asked(wait):
                requests = [{**fields.of_new_request(one.request), "position": one.position} for one in wait.placed]
                return self.write("outcome", outcome="needs_input", requests=requests)
            case Crashed(reason, _, True, wait):
                return self.write("outcome", outcome="try_again", reason=_reason(reason), retry_after=wait)
            case Crashed(reason):
                return self.write("outcome", outcome="fail", reason=_reason(reason))
            case Stopped() | Lost():
                return self.write("outcome", outcome="release")

    def _path(self, what: str) -> str:
        return f"/runs/{self.run_id}/{what}"


def _below(traceback: str | None) -> str:
    return f"\n{traceback.rstrip()}" if traceback else ""


def _reason(reason: str) -> str:
    return storable(reason)[:MAX_REASON]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    reason = None if outcome.reason is None else _reason(outcome.reason)
    match outcome:
        case Complete():
            return {"outcome": "complete", "reason": reason}
        case Fail():
            return {"outcome": "fail", "reason": reason}
        case Postpone(until):
            return {"outcome": "postpone", "reason": reason, "until": written(until)}
        case HandOver(to):
            return {"outcome": "hand_over", "reason": reason, "to": to}
