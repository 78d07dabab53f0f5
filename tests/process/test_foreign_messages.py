"""A broker with foreign content ends no process and no thread that a promise hangs on."""

import signal

import pytest

from casework.broker.address import client
from casework.cli.roles import Pool
from factories import some_cases, worked_queue
from patience import wait_for

pytestmark = pytest.mark.process

FOREIGN = [
    "not json",
    "7",
    "[]",
    '{"body": "W10="}',
    '{"headers": {"task": "other.task", "id": "1"}, "properties": {}, "body": ""}',
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
    process.wait(30)
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
