"""Queues and cases for the pages that show them, and what happens to them behind a page's back."""

from typing import Any

from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM, NewCase, Queue
from casework.service import agents, cases, dispatch, queues
from factories import an_attempt


def a_queue(site: Any, name: str = "invoices", agent: str = "completes", concurrency: int | None = None) -> Queue:
    """A queue with an agent of sample_agents that is connected to it."""
    casework = site.casework
    queue = queues.create(casework.db, DEFAULT_TEAM, name)
    found = agents.create(
        casework.db, casework.settings, DEFAULT_TEAM, f"{agent} of {name}", target=f"sample_agents:{agent}"
    )
    casework.perform(
        queues.set_consumer(casework.db, DEFAULT_TEAM, queue.id, found.name, trigger=True, concurrency=concurrency)
    )
    return queue


def add(site: Any, queue: Queue, *titles: str, **fields: Any) -> list[Any]:
    """Create cases."""
    new = [NewCase(title, **fields) for title in titles]
    return list(site.casework.perform(cases.create_all(site.casework.db, queue.id, new)))


def claim(site: Any) -> list[Any]:
    """Claim what can be claimed; returns the messages for workers."""
    ticked = dispatch.tick(site.casework.db, site.casework.settings)
    return [message for committed in ticked for message in committed.effects.runs]


def start(site: Any) -> list[Any]:
    """Claim and start, as a worker does."""
    found = [an_attempt(site.casework.db, message, settings=site.casework.settings) for message in claim(site)]
    return [one.fence for one in found if one]


def fail(site: Any, queue: Queue, ids: list[Any], reason: str | None = None) -> None:
    """Let cases fail by hand."""
    cases.settle(site.casework.db, site.casework.settings, queue.id, ids, CaseStatus.FAILED, reason)
