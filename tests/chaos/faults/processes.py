"""What befalls casework's own processes."""

import os
import random
import signal
import subprocess
from time import monotonic, sleep

from casework.cli.roles import beat_command
from chaos.faults.fault import AWAY_SECONDS
from chaos.ground import Ground

HUNT_SECONDS = 10.0
"""How long the right moment is waited for."""


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
