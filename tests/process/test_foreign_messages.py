"""A broker with foreign content ends no process and no thread that a promise hangs on."""

import base64
import json
import signal

import pytest

from casework.broker.address import client
from casework.cli.roles import Pool
from factories import some_cases, worked_queue
from patience import PATIENCE, wait_for

pytestmark = pytest.mark.process


def nearly_ours(body="W10=", *, headers=None, properties=None):
    """A message to casework's own task, with something that casework does not send."""
    return json.dumps(
        {
            "body": body,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": "casework.run", "id": "1", **(headers or {})},
            "properties": {"delivery_info": {}, "delivery_tag": "1", "body_encoding": "base64", **(properties or {})},
        }
    )


def coded(text):
    return base64.b64encode(text.encode()).decode()


FOREIGN = [
    "not json",
    "7",
    "[]",
    '{"body": "W10="}',
    '{"headers": {"task": "other.task", "id": "1"}, "properties": {}, "body": ""}',
    '{"__type__": "uuid", "__value__": 7}',
    "[" * 5_000,
    nearly_ours(properties={"body_encoding": "unknown"}),
    nearly_ours(properties={"body_encoding": {}}),
    nearly_ours(headers={"timelimit": 7, "eta": "9999-12-31T23:59:59", "expires": [], "compression": "unknown"}),
    *(nearly_ours(coded(text)) for text in ("", "null", "7", "[]", "[[], {}, 7]", '[7, "x", null]', "[" * 5_000)),
    nearly_ours("not base64"),
]


@pytest.mark.parametrize("pool", list(Pool))
def test_foreign_messages_end_no_process_and_no_heartbeat(installation, pool):
    names = installation.casework.publisher.names
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    processes = [installation.worker(pool), installation.ticker(), installation.beat()]
    some_cases(installation.db, queue, 2, data={"seconds": 5.0})
    wait_for(lambda: installation.running(queue) == 2, "the runs to begin")
    with client(installation.settings.redis_url) as redis:
        for _ in range(3):
            redis.publish(names.stops, "not-a-uuid")
            for message in FOREIGN:
                redis.lpush(names.runs, message)
                redis.lpush(names.ticks, message)
    some_cases(installation.db, queue, 4, data={"seconds": 0.0})
    installation.wait_until_ended(queue, 6)
    # Longer than the lease of three seconds, and nothing ran twice.
    assert installation.runs_per_case(queue) == {(1, 1)}
    assert [process.poll() for process in processes] == [None] * 3
    told = "".join(log.read_text() for log in installation.logs.glob("*.log"))
    assert "broker.message_rejected" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("role", ["worker", "ticker", "beat"])
def test_hangup_stops_a_process_as_terminate_does(installation, role):
    process = getattr(installation, role)()
    ready = {"worker": "worker.ready", "ticker": "worker.ready", "beat": "beat: Starting"}[role]
    wait_for(lambda: ready in (installation.logs / "0.log").read_text() or role == "beat", "the process to be ready")
    process.send_signal(signal.SIGHUP)
    process.wait(PATIENCE)
    assert "Traceback" not in (installation.logs / "0.log").read_text()


def test_workers_with_one_host_and_pid_have_names_of_their_own(installation):
    """As containers that share a host name have, each with process 1."""
    for _ in range(2):
        installation.worker(Pool.THREADS)
    wait_for(lambda: len(worker_names(installation)) == 2, "both workers to be seen")
    tokens = {name.rpartition(":")[2] for name in worker_names(installation)}
    assert len(tokens) == 2
    assert all(len(token) == 8 for token in tokens)


def worker_names(installation):
    with installation.db.begin() as tx:
        return [row.id for row in tx.sql("select id from processes where role = 'worker'")]
