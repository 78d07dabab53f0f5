"""What can break, each as a function that breaks it and, where nobody else does, mends it."""

import os
import random
import signal
import subprocess
from collections.abc import Callable
from time import sleep

from casework.broker.publisher import client
from casework.cli.roles import beat_command
from casework.embedded.servers import Server, start_and_wait
from chaos.ground import LEASE_SECONDS, Ground

Fault = Callable[[Ground, random.Random], None]


def _kill(ground: Ground, name: str, how: signal.Signals = signal.SIGKILL) -> None:
    process = ground.child(name).process
    if process is not None and process.poll() is None:
        os.kill(process.pid, how)


def kill_worker(ground: Ground, chance: random.Random) -> None:
    """kill -9 of a worker's main process."""
    _kill(ground, chance.choice(("worker 1", "worker 2")))


def kill_pool_child(ground: Ground, chance: random.Random) -> None:
    """kill -9 of one process of a worker's pool."""
    process = ground.child("worker 1").process
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid if process else 0)], capture_output=True, text=True, check=False
    )
    children = listed.stdout.split()
    if children:
        os.kill(int(chance.choice(children)), signal.SIGKILL)


def stop_worker(ground: Ground, chance: random.Random) -> None:
    """SIGTERM to a worker, which is started again."""
    _kill(ground, chance.choice(("worker 1", "worker 2")), signal.SIGTERM)


def kill_ticker(ground: Ground, chance: random.Random) -> None:
    """kill -9 of the ticker."""
    _kill(ground, "ticker")


def kill_beat(ground: Ground, chance: random.Random) -> None:
    """kill -9 of the beat."""
    _kill(ground, "beat")


def second_beat(ground: Ground, chance: random.Random) -> None:
    """A second beat for two seconds."""
    environment = {**os.environ, **ground.child("beat").environment, "CASEWORK_TICK_SECONDS": "0.1"}
    beat = subprocess.Popen(beat_command(), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sleep(2)
    beat.kill()
    beat.wait()


def flush_redis(ground: Ground, chance: random.Random) -> None:
    """FLUSHALL."""
    with client(ground.home.redis_url) as redis:
        redis.flushall()


def fill_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that takes no more writes for three seconds, as when its disk or its memory is full."""
    with client(ground.home.redis_url) as redis:
        redis.config_set("maxmemory", 1)
        sleep(3)
        redis.config_set("maxmemory", 0)


def _restart(ground: Ground, server: Server, how: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(how)
    server.process.wait()
    start_and_wait(server, ground.home)


def kill_redis(ground: Ground, chance: random.Random) -> None:
    """kill -9 of Redis, and a new one."""
    _restart(ground, ground.valkey, signal.SIGKILL)


def restart_postgres_fast(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL's fast shutdown, and a start."""
    _restart(ground, ground.postgres, signal.SIGINT)


def restart_postgres_immediate(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL's immediate shutdown, which is a crash, and a start."""
    _restart(ground, ground.postgres, signal.SIGQUIT)


def terminate_backends(ground: Ground, chance: random.Random) -> None:
    """All connections ended by the server."""
    with ground.casework.db.begin() as tx:
        tx.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )


def zombie(ground: Ground, chance: random.Random) -> None:
    """A worker that is stopped for longer than its lease, and continued."""
    _kill(ground, "worker 2", signal.SIGSTOP)
    sleep(LEASE_SECONDS + 1.5)
    _kill(ground, "worker 2", signal.SIGCONT)


def cut_line(ground: Ground, chance: random.Random) -> None:
    """The line between a worker and PostgreSQL cut for longer than the lease, and healed."""
    ground.proxy.cut()
    sleep(LEASE_SECONDS + 1.5)
    ground.proxy.heal()


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        kill_worker,
        kill_pool_child,
        stop_worker,
        kill_ticker,
        kill_beat,
        second_beat,
        flush_redis,
        fill_redis,
        kill_redis,
        restart_postgres_fast,
        restart_postgres_immediate,
        terminate_backends,
        zombie,
        cut_line,
    )
}
