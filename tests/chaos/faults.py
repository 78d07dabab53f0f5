"""What can break, each as a function that breaks it and, where nobody else does, mends it."""

import os
import random
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from casework.broker.address import client
from casework.broker.circuit_breaker import OPEN_SECONDS
from casework.cli.roles import beat_command
from casework.embedded.servers import Server, start_and_wait
from chaos.disk import FULL_SECONDS, RETRY_SECONDS, fill_disk
from chaos.ground import LEASE_SECONDS, TICK_SECONDS, Ground

NOTICING_SECONDS = 1.5
"""A heartbeat on its way and a tick at work at the moment of the fault, a run of the longest case, and this storm's looks."""

LOST_SECONDS = LEASE_SECONDS + 2 * TICK_SECONDS + NOTICING_SECONDS
"""The longest that a run waits whose worker is lost, and so whatever else is lost."""

STOPPING_SECONDS = 3.0
"""What a stopping worker gives its runs: to end, and then to be released."""

RETURN_SECONDS = 10.0
"""From the return of a server until all go on."""

HUNT_SECONDS = 10.0
"""How long the right moment is waited for."""

AWAY_SECONDS = LEASE_SECONDS + 1.5

SILENT_SECONDS = 3.0 + OPEN_SECONDS
"""As long as an answer of Redis is waited for, and it is left alone after that."""


@dataclass(frozen=True)
class Fault:
    """How it is done, and how long the recovery may take, which includes the fault's own length."""

    inject: Callable[[Ground, random.Random], float | None]
    """Returns when it began, where that took some preparing."""
    within: float = LOST_SECONDS
    starts: bool = False
    """Nothing goes on before a process was started: what that takes on this machine is added."""
    ends_workers: bool = False
    """Celery ends a worker's main process in some states of a broker that goes away."""
    through_api: bool = False
    """Only a case that came through the API since ends the recovery."""
    clocks: bool = False


def _kill(ground: Ground, name: str, how: signal.Signals = signal.SIGKILL) -> None:
    process = ground.child(name).process
    if process is not None and process.poll() is None:
        os.kill(process.pid, how)
        ground.killed[name] += how in (signal.SIGKILL, signal.SIGTERM)


def kill_worker(ground: Ground, chance: random.Random) -> None:
    """kill -9 of a worker."""
    _kill(ground, chance.choice(("worker 1", "worker 2")))


def kill_pool_child(ground: Ground, chance: random.Random) -> None:
    """kill -9 of a process of a worker's pool."""
    process = ground.child("worker 1").process
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid if process else 0)], capture_output=True, text=True, check=False
    )
    children = listed.stdout.split()
    if children:
        os.kill(int(chance.choice(children)), signal.SIGKILL)


def stop_worker(ground: Ground, chance: random.Random) -> None:
    """SIGTERM to a worker."""
    _kill(ground, chance.choice(("worker 1", "worker 2")), signal.SIGTERM)


def kill_ticker(ground: Ground, chance: random.Random) -> None:
    """kill -9 of the ticker."""
    _kill(ground, "ticker")


def kill_beat(ground: Ground, chance: random.Random) -> None:
    """kill -9 of the beat."""
    _kill(ground, "beat")


def kill_api(ground: Ground, chance: random.Random) -> float:
    """kill -9 of the API, between a creation's commit and its answer if possible."""
    end = monotonic() + HUNT_SECONDS
    while not _stopped_with_a_secret(ground, chance) and monotonic() < end:
        _kill(ground, "api", signal.SIGCONT)
    _kill(ground, "api")
    return monotonic()


def _stopped_with_a_secret(ground: Ground, chance: random.Random) -> bool:
    """Stop the API, and tell whether it has done a creation that its caller does not know of."""
    end = monotonic() + 1
    while not ground.ledger.unanswered and monotonic() < end:
        sleep(0.001)
    sleep(chance.uniform(0.002, 0.02))
    _kill(ground, "api", signal.SIGSTOP)
    # What was sent before is read meanwhile.
    sleep(0.05)
    with ground.casework.db.begin() as tx:
        done = {row.key for row in tx.sql("select key from idempotency_keys where response is not null")}
    return bool(done & ground.ledger.unanswered.keys())


CLOCKS = (
    ("worker 1", 300),
    ("beat", -300),
    ("ticker", 300),
    # Beyond the hour after which kombu gives a message to another worker.
    ("worker 2", -7200),
    ("api", -300),
    ("worker 1", -300),
    ("beat", 300),
    ("ticker", -300),
    ("worker 2", 300),
    ("api", 300),
)


def skew_clock(ground: Ground, chance: random.Random) -> None:
    """The clock of one process after another set 5 minutes or 2 hours off."""
    name, seconds = CLOCKS[next(ground.turns) % len(CLOCKS)]
    ground.clocks[name].put_off(seconds)


def second_beat(ground: Ground, chance: random.Random) -> None:
    """A second beat for 2 s."""
    environment = {**os.environ, **ground.child("beat").environment, "CASEWORK_TICK_SECONDS": "0.1"}
    beat = subprocess.Popen(beat_command(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sleep(2)
    beat.kill()
    beat.wait()


def flush_redis(ground: Ground, chance: random.Random) -> None:
    """FLUSHALL on Redis."""
    with client(ground.home.redis_url) as redis:
        redis.flushall()


def fill_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that refuses writes for 3 s, as if its disk or memory were full."""
    with client(ground.home.redis_url) as redis:
        redis.config_set("maxmemory", 1)
        sleep(FULL_SECONDS)
        redis.config_set("maxmemory", 0)


def _restart(ground: Ground, server: Server, how: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(how)
    server.process.wait()
    start_and_wait(server, ground.home)


def kill_redis(ground: Ground, chance: random.Random) -> None:
    """kill -9 of Redis."""
    _restart(ground, ground.valkey, signal.SIGKILL)


def freeze_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that accepts connections and does not answer for 8 s."""
    assert ground.valkey.process is not None
    ground.valkey.process.send_signal(signal.SIGSTOP)
    sleep(SILENT_SECONDS)
    ground.valkey.process.send_signal(signal.SIGCONT)


def restart_postgres_fast(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL restarted, fast."""
    _restart(ground, ground.postgres, signal.SIGINT)


def restart_postgres_immediate(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL restarted, immediate, which is a crash."""
    _restart(ground, ground.postgres, signal.SIGQUIT)


def terminate_backends(ground: Ground, chance: random.Random) -> None:
    """All connections to PostgreSQL terminated."""
    with ground.casework.db.begin() as tx:
        tx.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )


def zombie(ground: Ground, chance: random.Random) -> None:
    """A worker stopped for longer than its lease, then continued."""
    _kill(ground, "worker 2", signal.SIGSTOP)
    sleep(AWAY_SECONDS)
    _kill(ground, "worker 2", signal.SIGCONT)


def cut_line(ground: Ground, chance: random.Random) -> None:
    """The network between a worker and PostgreSQL cut for longer than the lease."""
    ground.proxy.cut()
    sleep(AWAY_SECONDS)
    ground.proxy.heal()


FAULTS = {
    "kill-worker": Fault(kill_worker, LEASE_SECONDS + 2 * TICK_SECONDS),
    "kill-pool-child": Fault(kill_pool_child),
    "stop-worker": Fault(stop_worker, STOPPING_SECONDS + LOST_SECONDS),
    "kill-ticker": Fault(kill_ticker, starts=True),
    "kill-beat": Fault(kill_beat),
    "kill-api": Fault(kill_api, starts=True, through_api=True),
    "second-beat": Fault(second_beat),
    "skew-clock": Fault(skew_clock, clocks=True),
    "flush-redis": Fault(flush_redis),
    "fill-redis": Fault(fill_redis, FULL_SECONDS + RETURN_SECONDS),
    "fill-disk": Fault(fill_disk, FULL_SECONDS + RETRY_SECONDS + RETURN_SECONDS),
    "kill-redis": Fault(kill_redis, RETURN_SECONDS, ends_workers=True),
    "freeze-redis": Fault(freeze_redis, SILENT_SECONDS + RETURN_SECONDS),
    "restart-postgres-fast": Fault(restart_postgres_fast, RETURN_SECONDS),
    "restart-postgres-immediate": Fault(restart_postgres_immediate, RETURN_SECONDS),
    "terminate-backends": Fault(terminate_backends),
    "zombie": Fault(zombie, AWAY_SECONDS + LOST_SECONDS),
    "cut-line": Fault(cut_line, AWAY_SECONDS + LOST_SECONDS),
}
