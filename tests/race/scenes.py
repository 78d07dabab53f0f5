"""What two actions meet at: one case, in each state that an action can find it in."""

from dataclasses import dataclass, replace

from casework.agents import Complete, Postpone
from casework.agents.results import Asked, Returned
from casework.agents.stop import Suspended
from casework.core.effects import RunMessage
from casework.core.model import Agent, AgentKind, CaseId, Queue, RequestId
from casework.core.requests import Placed, Request
from casework.service import agents, cases, pull, queues, release, requests
from casework.service.execution import attempt
from casework.service.execution.attempt import Attempt
from casework.service.sweep import sweep
from casework.store.database import Database
from factories import SETTINGS, TEAM, a_consumer, an_agent, an_attempt, claim, finish, some_cases, worked_queue

QUESTION = Suspended(Placed(Request(title="Which one?")))


@dataclass(frozen=True)
class Scene:
    """A case, or several, with what their actors know of them."""

    db: Database
    queue: Queue
    agent: Agent
    cases: list[CaseId]
    message: RunMessage | None = None
    """What a worker was sent."""
    started: Attempt | None = None
    """The attempt that an agent executes, or believes that it does."""
    newer: Attempt | None = None
    """The attempt that has the case since."""
    request: RequestId | None = None
    other_request: RequestId | None = None
    """Of the same group."""
    beside: tuple[RunMessage, ...] = ()
    """What the worker executes besides."""
    started_beside: tuple[Attempt, ...] = ()
    """The same, as the worker knows it."""
    claimed: tuple[RunMessage, ...] = ()
    """What shares a message, and was sent."""
    following: RunMessage | None = None
    """What the worker is sent next."""
    workers: Database | None = None
    """Connections as workers have them, if acts of theirs are to use them."""

    @property
    def case(self) -> CaseId:
        """The case that the actors at a single one meet at."""
        return self.cases[0]


def pending(db):
    queue, agent = worked_queue(db, concurrency=1)
    a_consumer(db, queue, an_agent(db, "other"), trigger=False)
    return Scene(db, queue, agent, some_cases(db, queue))


def shared(db):
    """Two consumers may take it: a tick looks what there is, plans, and then claims."""
    queue, agent = worked_queue(db, concurrency=2)
    a_consumer(db, queue, an_agent(db, "second"), trigger=True, concurrency=1)
    a_consumer(db, queue, an_agent(db, "other"), trigger=False)
    return Scene(db, queue, agent, some_cases(db, queue))


def claimed(db):
    scene = pending(db)
    (message,) = claim(db)
    return replace(scene, message=message)


def running(db):
    scene = claimed(db)
    return replace(scene, started=an_attempt(db, scene.message, "w"))


def sharing(db):
    """Two cases whose runs share a message, and are being executed."""
    queue, agent = worked_queue(db, concurrency=2)
    scene = Scene(db, queue, agent, some_cases(db, queue, 2), claimed=tuple(claim(db)))
    first, second = attempt.start(db, SETTINGS, scene.claimed, "w")
    return replace(scene, started=first, started_beside=(second,), beside=(second.message,))


def followed(db):
    """Its worker was sent the next one, too."""
    queue, agent = worked_queue(db, concurrency=2)
    scene = Scene(db, queue, agent, some_cases(db, queue, 2)[:1])
    first, second = claim(db)
    return replace(scene, started=an_attempt(db, first, "w"), following=second)


def asked(db):
    scene = running(db)
    finish(db, scene.started, Asked(QUESTION))
    (request,) = requests.find(db, TEAM)
    return replace(scene, request=request.id)


def asking(db, *asked):
    scene = running(db)
    finish(db, scene.started, Asked(Suspended(*(Placed(one, number) for number, one in enumerate(asked)))))
    ids = [one.id for one in requests.find(db, TEAM)]
    return replace(scene, request=ids[0], other_request=ids[-1])


def asked_two(db):
    return asking(db, Request(title="a"), Request(title="b"))


def asked_for_two_approvals(db):
    return asking(db, Request(kind="approval", title="a", approvals=2))


def expired(db):
    scene = asking(db, Request(title="a", expires="1h", on_expiry="continue"))
    past(db, "update human_requests set expires_at = now() - interval '1 min'")
    return scene


def expired_for_good(db):
    scene = asking(db, Request(title="a", expires="1h"), Request(title="b"))
    past(db, "update human_requests set expires_at = now() - interval '1 min' where title = 'a'")
    return scene


def to_be_reminded(db):
    scene = asking(db, Request(title="a", remind="1h"))
    past(db, "update human_requests set remind_at = now() - interval '1 min'")
    return scene


def answered(db):
    scene = asked(db)
    requests.answer(db, TEAM, scene.request, "that one")
    return scene


def postponed(db):
    """It is due."""
    scene = running(db)
    finish(db, scene.started, Returned(Postpone("1h")))
    past(db, "update cases set ready_at = now() - interval '1 min'")
    return scene


def ended(db):
    scene = running(db)
    finish(db, scene.started, Returned(Complete("done")))
    return scene


def silent(db):
    """Its worker is believed dead."""
    scene = running(db)
    past(db, "update runs set last_heartbeat_at = now() - interval '1 h'")
    return scene


def abandoned(db):
    """It was taken from its run, whose worker is believed dead, and whose grace is not over."""
    scene = retried(db)
    past(db, "update runs set last_heartbeat_at = now() - interval '1 h'")
    return scene


def unsent(db):
    """Its message is believed lost."""
    scene = claimed(db)
    past(db, "update runs set sent_at = now() - interval '1 h'")
    return scene


def leaving(db):
    """Its worker shuts down, and asks for it back."""
    scene = running(db)
    release.ask_to_release(db, "w", 30)
    return scene


def staying(db):
    """Its worker has shut down, and it was not given back in time."""
    scene = leaving(db)
    past(db, "update runs set stop_deadline = now() - interval '1 min'")
    return scene


def retried(db):
    """It was taken from its run, which has yet to stop."""
    scene = running(db)
    cases.retry(db, SETTINGS, scene.queue.id, scene.cases)
    return scene


def overdue(db):
    """It was taken from its run, which did not stop in time."""
    scene = retried(db)
    past(db, "update runs set stop_deadline = now() - interval '1 min'")
    past(db, "update cases set ready_at = (select stop_deadline from runs where case_id = cases.id)")
    return scene


def taken_up(db):
    """The attempt was given up for lost, and the next one is being executed."""
    scene = silent(db)
    sweep(db, SETTINGS)
    (message,) = claim(db)
    return replace(scene, message=message, newer=an_attempt(db, message, "w2"))


def replaced(db):
    """The run was fenced out, and a new run is being executed."""
    scene = overdue(db)
    sweep(db, SETTINGS)
    (message,) = claim(db)
    return replace(scene, message=message, newer=an_attempt(db, message, "w2"))


def for_pull(db):
    """It waits for an agent elsewhere."""
    scene = pending(db)
    agent = agents.create(db, SETTINGS, TEAM, "puller", kind=AgentKind.PULL)
    queues.remove_consumer(db, SETTINGS, TEAM, scene.queue.id, scene.agent.id)
    a_consumer(db, scene.queue, agent, concurrency=1)
    return replace(scene, agent=agent)


def pulled(db):
    """An agent elsewhere executes it."""
    scene = for_pull(db)
    work = pull.claim(db, TEAM, scene.agent.id, "elsewhere")
    return replace(scene, message=RunMessage(work.run_id, work.attempt))


def past(db, statement):
    with db.begin() as tx:
        tx.sql(statement)


def ends(scene: Scene, since: int) -> str:
    """How it ended: the case, its runs from the oldest on; its history since; the refused writes."""
    with scene.db.begin() as tx:
        case = tx.sql("select status from cases where id = %(id)s", {"id": scene.case}).scalar_one_or_none()
        runs = tx.sql(
            "select status, live and stop_requested_at is not null, refused_writes from runs order by id"
        ).all()
        events = tx.sql(
            "select type from case_history where case_id = %(id)s order by id",
            {"id": scene.case},
        )
        history = " ".join(row.type for row in events.all()[since if case else 0 :])
    statuses = " ".join(status + ("!" if stop else "") for status, stop, _ in runs)
    refused = sum(count for _, _, count in runs)
    state = ", ".join(part for part in (case or "gone", statuses) if part)
    return "; ".join(part for part in (state, history, f"{refused} refused" if refused else "") if part)


def so_far(scene: Scene) -> int:
    """The lines of the case's history."""
    with scene.db.begin() as tx:
        count: int = tx.sql("select count(*) from case_history where case_id = %(id)s", {"id": scene.case}).scalar_one()
    return count
