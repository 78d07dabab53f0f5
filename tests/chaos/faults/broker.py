"""What befalls Redis."""

import random
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import redis

from casework.broker.address import client
from casework.embedded import identity
from casework.embedded.servers import start_and_wait
from chaos.faults.fault import REFUSING_SECONDS, SILENT_SECONDS
from chaos.ground import Ground
from patience import wait_for

RETRY_SECONDS = 6.0
"""Redis tries a snapshot that failed again after five seconds, and takes no write before it succeeded."""

LOADED_COMMANDS = 5120
LOAD_MICROSECONDS = 400
"""For each command of the append-only file. Redis answers its clients after every 1024."""

FOREIGN = (
    "not json",
    "7",
    "[]",
    "{}",
    '{"body": "W10="}',
    '{"headers": {"task": "other.task", "id": "1"}, "properties": {}, "body": ""}',
    '{"headers": {"task": "casework.run", "id": "1"}, "properties": {"delivery_info": {}, "delivery_tag": "1"}, "body": "7"}',
    b"\xff\xfe\x00",
    "x" * 10_000,
)
"""What no program of casework sends."""


def _broker(ground: Ground) -> redis.Redis:
    return client(ground.home.redis_url)


def flush_redis(ground: Ground, chance: random.Random) -> None:
    """FLUSHALL on Redis."""
    with _broker(ground) as broker:
        broker.flushall()


@contextmanager
def _for_a_while(mend: Callable[[], object]) -> Iterator[None]:
    try:
        yield
        sleep(REFUSING_SECONDS)
    finally:
        mend()


def fill_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that refuses writes for 3 s, as if its disk or memory were full."""
    with _broker(ground) as broker, _for_a_while(lambda: broker.config_set("maxmemory", 0)):
        broker.config_set("maxmemory", 1)


def fill_disk(ground: Ground, chance: random.Random) -> None:
    """Redis's disk full for 3 s: it refuses writes, and pings, with MISCONF until it notices that there is room."""
    assert ground.valkey.process is not None
    pid = ground.valkey.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    with _broker(ground) as broker:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        # A snapshot within a second of a write: one may have begun already.
        broker.config_set("save", "1 1")
        with suppress(redis.ResponseError):
            broker.bgsave()
        wait_for(lambda: _is(broker, "err"), "the snapshot to fail", patience=REFUSING_SECONDS)
        sleep(REFUSING_SECONDS)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        wait_for(lambda: _is(broker, "ok"), "a snapshot", patience=2 * RETRY_SECONDS)
        broker.config_set("save", "")


def _is(broker: redis.Redis, status: str) -> bool:
    found: str = broker.info("persistence")["rdb_last_bgsave_status"]
    return found == status


def demote_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that became a replica for 3 s, and refuses writes with READONLY."""
    with _broker(ground) as broker, _for_a_while(lambda: broker.replicaof("no", "one")):
        # Of a server that does not exist: it keeps what it holds.
        broker.replicaof("127.0.0.1", 1)


def isolate_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that misses its replicas for 3 s, and refuses writes with NOREPLICAS."""
    with _broker(ground) as broker, _for_a_while(lambda: broker.config_set("min-replicas-to-write", 0)):
        broker.config_set("min-replicas-to-write", 1)


def lock_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that asks for a password for 3 s, and answers everybody with NOAUTH."""
    # This connection was made before, and may go on.
    with _broker(ground) as broker, _for_a_while(lambda: broker.config_set("requirepass", "")):
        broker.config_set("requirepass", "another")
        _disconnect(broker)


def terminate_clients(ground: Ground, chance: random.Random) -> None:
    """All connections to Redis closed."""
    with _broker(ground) as broker:
        _disconnect(broker)


def _disconnect(broker: redis.Redis) -> None:
    for kind in ("normal", "pubsub"):
        broker.client_kill_filter(_type=kind, skipme=True)


def use_up_clients(ground: Ground, chance: random.Random) -> None:
    """A Redis that accepts no more clients for 3 s, and has closed the connections that it had."""
    with _broker(ground) as broker:
        before = broker.config_get("maxclients")["maxclients"]
        with _for_a_while(lambda: broker.config_set("maxclients", before)):
            broker.config_set("maxclients", 1)
            _disconnect(broker)


def kill_redis(ground: Ground, chance: random.Random) -> None:
    """kill -9 of Redis."""
    _kill(ground)
    start_and_wait(ground.valkey, ground.home)


def _kill(ground: Ground) -> None:
    assert ground.valkey.process is not None
    ground.valkey.process.kill()
    ground.valkey.process.wait()


def load_redis(ground: Ground, chance: random.Random) -> float:
    """kill -9 of Redis, which then reads its file for some seconds, and refuses all with LOADING."""
    assert ground.valkey.process is not None
    with _broker(ground) as broker:
        for _ in range(LOADED_COMMANDS // 1024):
            pipeline = broker.pipeline(transaction=False)
            for _ in range(1024):
                pipeline.set("loaded", 1)
            pipeline.execute()
    began = monotonic()
    _kill(ground)
    command = ground.valkey.process.args
    assert isinstance(command, list)
    ground.home.valkey_socket.unlink(missing_ok=True)
    ground.valkey.process = subprocess.Popen(
        [*command, "--key-load-delay", str(LOAD_MICROSECONDS)],
        stdout=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        preexec_fn=identity.die_with_parent(signal.SIGTERM),
    )
    wait_for(ground.valkey.serves, "Redis to have read its file")
    return began


def pause_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis whose clients are paused for 8 s."""
    with _broker(ground) as broker:
        broker.client_pause(int(SILENT_SECONDS * 1000))
    sleep(SILENT_SECONDS)


def freeze_redis(ground: Ground, chance: random.Random) -> None:
    """A Redis that accepts connections and does not answer for 8 s."""
    assert ground.valkey.process is not None
    ground.valkey.process.send_signal(signal.SIGSTOP)
    sleep(SILENT_SECONDS)
    ground.valkey.process.send_signal(signal.SIGCONT)


def send_foreign_messages(ground: Ground, chance: random.Random) -> None:
    """Foreign messages in every list and channel for 3 s."""
    names = ground.casework.publisher.names
    lists, end = (names.runs, names.ticks, names.nudges), monotonic() + REFUSING_SECONDS
    with _broker(ground) as broker:
        while monotonic() < end:
            for message in FOREIGN:
                for key in lists:
                    chance.choice((broker.lpush, broker.rpush))(key, message)
                for channel in {names.stops.encode(), *broker.pubsub_channels()}:
                    broker.publish(channel, message)
            sleep(0.05)


def replace_lists(ground: Ground, chance: random.Random) -> None:
    """A foreign value of another type under the name of every list for 3 s: Redis refuses with WRONGTYPE."""
    names = ground.casework.publisher.names
    lists = (names.runs, names.ticks, names.nudges)
    with _broker(ground) as broker, _for_a_while(lambda: broker.delete(*lists)):
        for key in lists:
            broker.set(key, "foreign")
