"""What a run did to its case, written: the same for agents that workers call and for agents elsewhere.

Each function returns what came of the case, or None where the run no longer holds it.
"""

import random
from dataclasses import dataclass

from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.stop import Suspended
from casework.core.model import AgentId, QueueId, TeamId
from casework.core.retry import next_attempt
from casework.errors import NotFound
from casework.service import agents
from casework.settings import Settings
from casework.store import queues, requests, transitions
from casework.store.database import Tx
from casework.store.ids import new_id
from casework.store.transitions import Fence


@dataclass(frozen=True, slots=True)
class Holder:
    """An attempt that holds a case, and what its outcome depends on."""

    fence: Fence
    queue_id: QueueId
    team_id: TeamId
    agent_id: AgentId
    failures: int
    max_attempts: int
    asked_wait_seconds: float = 0.0


def write(tx: Tx, holder: Holder, outcome: Outcome) -> str | None:
    """Write what the agent returned."""
    if isinstance(outcome, HandOver):
        return _hand_over(tx, holder, outcome.to, outcome.reason)
    return end(tx, holder.fence, outcome)


def end(tx: Tx, fence: Fence, outcome: Complete | Fail | Postpone, ended: float = 0.0) -> str | None:
    """Write an outcome that takes one statement; a run that completed did so that many seconds ago."""
    match outcome:
        case Complete(reason):
            return "completed" if transitions.complete(tx, fence, reason, ended) else None
        case Fail(reason):
            return "failed" if transitions.fail(tx, fence, reason, None) else None
        case Postpone(reason=reason):
            return "postponed" if transitions.postpone(tx, fence, outcome.moment, reason) else None


def fail(tx: Tx, fence: Fence, reason: str, traceback: str | None) -> str | None:
    """The case cannot be done."""
    return "failed" if transitions.fail(tx, fence, reason, traceback) else None


def _hand_over(tx: Tx, holder: Holder, to: str, reason: str | None) -> str | None:
    try:
        target = agents.resolve(tx, holder.team_id, to)
    except NotFound:
        target = None
    if target is None or not queues.is_consumer(tx, holder.queue_id, target.id):
        return fail(tx, holder.fence, f"handed over to {to!r}, which is not a consumer of the queue", None)
    return "handed_over" if transitions.hand_over(tx, holder.fence, target.id, reason) else None


def ask(tx: Tx, fence: Fence, question: Suspended) -> str | None:
    """The run waits for a person."""
    request_id = new_id()
    if not transitions.ask(tx, fence, request_id, question.title):
        return None
    requests.create(tx, request_id, fence, question.kind, question.title, question.description, question.options)
    return "needs_input"


def try_again(
    tx: Tx, settings: Settings, holder: Holder, reason: str, traceback: str | None, asked: float | None = None
) -> str | None:
    """The attempt failed in a way that passes: another one after a wait, as long as there are any left.

    `asked` is how many seconds a service that the agent called asked to wait.
    """
    following = next_attempt(
        holder.failures,
        holder.max_attempts,
        settings.retry_base_seconds,
        random.random(),  # noqa: S311 - jitter is no secret
        asked=asked,
        asked_before=holder.asked_wait_seconds,
        asked_limit=settings.retry_after_seconds,
    )
    if following is None:
        given_up = f"{reason} (attempt {holder.failures + 1} of {holder.max_attempts})"
        return "failed" if transitions.give_up(tx, holder.fence, given_up, traceback) else None
    write = transitions.try_again if following.counts else transitions.wait_as_asked
    return "attempt_failed" if write(tx, holder.fence, following.seconds, reason, traceback) else None
