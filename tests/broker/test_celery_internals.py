"""What casework assumes of Celery and kombu: these fail when a new version changes it."""

import os
import signal
from importlib.metadata import version
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.thread import TaskPool
from celery.worker import state
from kombu.asynchronous import Hub
from kombu.entity import Queue
from kombu.transport import redis as kombu_redis
from redis import Redis

from casework.broker import celery_internals
from casework.broker.address import client
from casework.broker.app import make_app
from casework.broker.envelope import RUN_TASK, run_message
from casework.core.effects import Parcel, RunMessage
from casework.core.model import RunId
from casework.worker import pool
from casework.worker.messages import read_bundle
from patience import PATIENCE, wait_for


def an_app(servers, prefix="internals:"):
    return make_app(lambda: servers.redis, lambda: prefix, lambda: 1.0)


def test_versions_are_those_that_the_assumptions_were_tested_with():
    assert version("celery").startswith("5.7."), "run the process and chaos tests, then admit the new version here"
    assert version("kombu").startswith("5.7.")


def test_message_is_read_as_one_of_celerys_own(servers):
    app, redis = an_app(servers), client(servers.redis)
    redis.delete("internals:runs")
    run = RunMessage(RunId(uuid4()), 3)
    redis.lpush("internals:runs", run_message(Parcel((run,), ahead=True)))
    with app.connection() as connection, connection.SimpleQueue(Queue("runs", no_ack=True), no_ack=True) as queue:
        message = queue.get(timeout=5)
    runs, ahead = message.payload[0]
    assert (read_bundle(runs), ahead, message.headers["task"]) == ((run,), True, RUN_TASK)
    app.close()


def test_queue_is_a_list_of_its_name_behind_the_prefix(servers):
    app, redis = an_app(servers, "other:"), client(servers.redis)
    app.send_task(RUN_TASK, args=([],), queue="runs")
    assert celery_internals.waiting(redis, ["other:runs"]) == 1
    redis.delete("other:runs")
    app.close()


def test_worker_state_names_reserved_and_active_requests():
    assert celery_internals.reserved() == 0
    assert list(celery_internals.active()) == []
    assert hasattr(state, "reserved_requests")
    assert hasattr(state, "active_requests")


def test_thread_pool_has_the_hooks_that_ours_overrides():
    assert issubclass(pool.TaskPool, TaskPool)
    for name in ("on_apply", "register_with_event_loop"):
        assert callable(getattr(TaskPool, name))
    ours = pool.TaskPool(1)
    applied = ours.on_apply(lambda *_, **__: None, (), {}, callback=None, accept_callback=lambda *_: None)
    applied.wait(PATIENCE)
    ours.on_stop()


@pytest.fixture
def prefork():
    """Celery's pool of one process, and the event loop that it is registered with."""
    hub = Hub()
    processes = AsynPool(1, threads=False, lost_worker_timeout=1, putlocks=False)
    processes.register_with_event_loop(hub)
    found = SimpleNamespace(
        hub=hub, pool=SimpleNamespace(_pool=processes), celerys=processes, processes=processes._pool
    )
    yield found
    for process in found.processes:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    hub.close()


def run_until(hub, condition, what):
    loop = hub.create_loop()
    wait_for(lambda: next(loop) or condition(), what, every=0)


def test_pool_notices_the_end_of_a_process_that_it_no_longer_tracked(prefork):
    hub, (process,) = prefork.hub, prefork.processes
    prefork.celerys._untrack_child_process(process, hub)
    hub.reset()
    with pytest.raises(ValueError, match="file descriptor is None"):
        prefork.celerys.register_with_event_loop(hub)
    celery_internals.track_again(prefork.pool)
    prefork.celerys.register_with_event_loop(hub)
    os.kill(process.pid, signal.SIGKILL)
    run_until(hub, lambda: [one for one in prefork.processes if one.pid != process.pid], "another process")


class Accepted:
    """What a worker's main process knows of a task, as far as this asks."""

    worker_pid, args = 1, ()

    def __init__(self, applied):
        self._apply_result = lambda: applied


def test_task_whose_result_waits_in_the_pipe_is_not_active(prefork, tmp_path):
    fifo, accepted = tmp_path / "fifo", []
    os.mkfifo(fifo)
    applied = prefork.celerys.apply_async(fifo.read_text, (), accept_callback=lambda *_: accepted.append(1))
    run_until(prefork.hub, lambda: accepted, "the process to begin")
    request = Accepted(applied)
    state.active_requests.add(request)
    assert list(celery_internals.active()) == [(1, ())]
    # From here on nobody reads the pipe: the loop does not run.
    fifo.write_text("go on")
    wait_for(lambda: not list(celery_internals.active()), "the result")
    assert not applied.ready()


def test_transport_has_the_methods_that_ours_overrides():
    for overridden, method in ((kombu_redis.Channel, "_brpop_read"), (kombu_redis.Transport, "_deliver")):
        assert callable(getattr(overridden, method))
    assert kombu_redis.Transport.Channel is kombu_redis.Channel
    assert Redis
