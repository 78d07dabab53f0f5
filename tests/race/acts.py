"""Acts that can meet at a case, by name. Each returns its result in a word."""

from dataclasses import replace
from time import monotonic

from scenes import QUESTION

from casework.agents import Complete, HandOver, Postpone
from casework.agents.results import Asked, Crashed, Returned, Stopped
from casework.core.effects import RunMessage
from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef, NewCase, QueueMode
from casework.core.requests import Answering, Decision
from casework.core.unset import UNSET
from casework.errors import CaseworkError, DatabaseUnavailable
from casework.service import agents, cases, dispatch, expiry, labels, pull, queues, release, requests, runs
from casework.service.execution import attempt, outcomes
from casework.service.run_backend import RunBackend
from casework.service.sweep import sweep as swept
from casework.store import requests as request_store
from casework.store import runs as run_store
from factories import SETTINGS, TEAM, a_consumer, an_attempt, finish


def told(act, scene):
    """What the act says, or the name of the refusal that its actor gets."""
    try:
        return act(scene)
    except DatabaseUnavailable:
        raise
    except CaseworkError as error:
        return type(error).__name__


# The machinery.


def tick(scene):
    return f"claims {len(dispatch.claim_round(scene.db).claimed)}"


def sweep(scene):
    return f"sweeps {swept(scene.db, SETTINGS).value.total()}"


def start(scene):
    return "started" if an_attempt(scene.db, scene.message) else "not started"


def start_all(scene):
    """As one message."""
    return f"starts {len(attempt.start(scene.db, SETTINGS, scene.claimed or (scene.message,), 'w'))}"


def beat(scene):
    fence = scene.started.fence
    with scene.db.begin() as tx:
        alive = run_store.heartbeat(tx, [*scene.beside, RunMessage(fence.run_id, fence.attempt)])
    return "given away" if fence.run_id not in alive else "stop" if alive[fence.run_id] else "lives"


def leave(scene):
    """The worker begins to shut down."""
    return f"asks {release.ask_to_release(scene.db, 'w', 30).value}"


def shut_down(scene):
    return f"releases {release.release_all(scene.db, 'w').value}"


# A run.


def complete(scene):
    return finish(scene.db, scene.started, Returned(Complete("done")))


def complete_all(scene):
    """What shared a message."""
    done = [completed(one) for one in (scene.started, *scene.started_beside)]
    return " ".join(outcomes.finish_all(scene.db, SETTINGS, done))


def completed(started):
    now = monotonic()
    return replace(started, result=Returned(Complete("done")), began=now - 1, ended=now)


def complete_and_start(scene):
    """And go on with what the worker was sent next."""
    held, started = outcomes.finish_and_start(scene.db, SETTINGS, completed(scene.started), scene.following, "w")
    return f"{'completed' if held else 'refused'}, {'started' if started else 'not started'}"


def complete_anew(scene):
    return finish(scene.db, scene.newer, Returned(Complete("done")))


def postpone(scene):
    return finish(scene.db, scene.started, Returned(Postpone("1h")))


def hand_over(scene):
    return finish(scene.db, scene.started, Returned(HandOver("other")))


def ask(scene):
    return finish(scene.db, scene.started, Asked(QUESTION))


def crash(scene):
    return finish(scene.db, scene.started, Crashed("time-out", None, transient=True))


def give_back(scene):
    """It stops as it was asked to, by a person or by its worker."""
    return finish(scene.db, scene.started, Stopped())


def _backend(scene):
    return RunBackend(scene.db, scene.started.holder, perform=lambda effects: None)


def say(scene):
    _backend(scene).say("text", {"text": "hello"}, "hello")
    return "said"


def change_as_run(scene):
    _backend(scene).update("by the run", UNSET)
    return "changed"


# An agent elsewhere.


def pull_one(scene):
    return "got it" if pull.claim(scene.db, TEAM, scene.agent.id, "elsewhere") else "got none"


def report(scene):
    run = scene.message
    return pull.outcome(scene.db, SETTINGS, TEAM, run.run_id, run.attempt, Complete("done")).value


def put_back(scene):
    return pull.release(scene.db, SETTINGS, TEAM, scene.message.run_id, scene.message.attempt).value


# People.


def _done(committed):
    return "moved" if committed.value.moved else "skipped"


def retry(scene):
    return _done(cases.retry(scene.db, SETTINGS, scene.queue.id, scene.cases))


def retry_by_same(scene):
    return _done(cases.retry(scene.db, SETTINGS, scene.queue.id, scene.cases, same_agent=True))


def set_aside(scene):
    return _done(cases.postpone(scene.db, SETTINGS, scene.queue.id, scene.cases, "1h"))


def delegate(scene):
    return _done(cases.delegate(scene.db, SETTINGS, scene.queue.id, scene.cases, scene.agent.id))


def delegate_to_other(scene):
    other = next(one for one in queues.consumers(scene.db, TEAM, scene.queue.id) if one.agent_name == "other")
    return _done(cases.delegate(scene.db, SETTINGS, scene.queue.id, scene.cases, other.agent_id))


def settle(scene):
    return _done(cases.settle(scene.db, SETTINGS, scene.queue.id, scene.cases, CaseStatus.FAILED, "by hand"))


def delete(scene):
    return _done(cases.delete(scene.db, SETTINGS, scene.queue.id, scene.cases))


def stop(scene):
    run = scene.started.fence.run_id if scene.started else scene.message.run_id
    return f"is {runs.stop(scene.db, SETTINGS, TEAM, run).value.status}"


def answer(scene):
    requests.answer(scene.db, TEAM, scene.request, "that one")
    return "answered"


def answer_the_other(scene):
    """The other request of the group."""
    requests.answer(scene.db, TEAM, scene.other_request, "that one")
    return "answered"


def reject(scene):
    requests.answer(scene.db, TEAM, scene.request, Answering(decision=Decision.REJECT), person="Bob")
    return "rejected"


def approve(scene):
    """One of two who must."""
    return requests.answer(
        scene.db, TEAM, scene.request, Answering(decision=Decision.APPROVE), person="Ann"
    ).value.status


def approve_too(scene):
    return requests.answer(
        scene.db, TEAM, scene.request, Answering(decision=Decision.APPROVE), person="Cid"
    ).value.status


def bring_on(scene):
    """What a sweep does of requests that are due."""
    with scene.db.single() as tx:
        due = request_store.due(tx.sql(*request_store.due_statement(10)))
    return f"finds {len(due)}, {'moves' if expiry.bring_on(scene.db, due) else 'moves nothing'}"


def relabel(scene):
    """The run sets labels, the person's among them."""
    _backend(scene).update(None, UNSET, labels=[LabelRef("urgent"), LabelRef("seen")])
    return "relabelled"


def change(scene):
    cases.update(scene.db, TEAM, scene.case, data={"by": "a person"})
    return "changed"


# People, at what is around the case.


def label(scene):
    labels.assign(scene.db, TEAM, scene.queue.id, scene.case, [LabelRef("urgent")])
    return "labelled"


def make_label(scene):
    """For no case yet."""
    labels.create(scene.db, TEAM, scene.queue.id, LabelRef("urgent"), None)
    return "made"


def create_keyed(scene):
    """As an import that is repeated, perhaps in another order."""
    new = [NewCase("one of a file", key=str(case)) for case in scene.cases]
    return f"creates {len(cases.create(scene.db, scene.queue.id, new).value)}"


def create(scene):
    return f"creates {len(cases.create(scene.db, scene.queue.id, [NewCase('one more')]).value)}"


def pause(scene):
    return str(queues.set_mode(scene.db, TEAM, scene.queue.id, QueueMode.PAUSED).value.mode)


def drain(scene):
    return f"asks {queues.release_live_runs(scene.db, SETTINGS, TEAM, scene.queue.id).value}"


def connect(scene):
    a_consumer(scene.db, scene.queue, scene.agent, concurrency=10)
    return "connected"


def weigh(scene):
    done = queues.set_consumer(
        scene.db, TEAM, scene.queue.id, scene.agent.id, trigger=True, concurrency=None, weight=3.0
    )
    return f"weighs {done.value.weight:g}"


def regroup(scene):
    return agents.update(scene.db, SETTINGS, TEAM, scene.agent.id, group="gpu").group


def disconnect(scene):
    taken = queues.remove_consumer(scene.db, SETTINGS, TEAM, scene.queue.id, scene.agent.id).value
    return f"interrupts {len(taken)}"


def disconnect_other(scene):
    return f"interrupts {len(queues.remove_consumer(scene.db, SETTINGS, TEAM, scene.queue.id, 'other').value)}"


def delete_agent(scene):
    return f"interrupts {len(queues.delete_agent(scene.db, SETTINGS, TEAM, scene.agent.id).value)}"


def delete_queue(scene):
    count, interrupted = queues.delete(scene.db, SETTINGS, TEAM, scene.queue.id).value
    return f"deletes {count}, interrupts {len(interrupted)}"
