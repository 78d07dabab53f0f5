"""A broker whose disk is full: its files may not grow, so that neither the append-only file nor a snapshot is written."""

import random
import resource
from contextlib import suppress
from time import sleep

import redis

from casework.broker.address import client
from chaos.ground import Ground
from patience import wait_for

FULL_SECONDS = 3.0
RETRY_SECONDS = 6.0
"""Redis tries a snapshot that failed again after five seconds, and takes no write before it succeeded."""


def fill_disk(ground: Ground, chance: random.Random) -> None:
    """Redis's disk full for 3 s: it refuses writes, and pings, with MISCONF until it notices that there is room."""
    assert ground.valkey.process is not None
    pid = ground.valkey.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    with client(ground.home.redis_url) as broker:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        # A snapshot within a second of a write: one may have begun already.
        broker.config_set("save", "1 1")
        with suppress(redis.ResponseError):
            broker.bgsave()
        wait_for(lambda: _is(broker, "err"), "the snapshot to fail", patience=FULL_SECONDS)
        sleep(FULL_SECONDS)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        wait_for(lambda: _is(broker, "ok"), "a snapshot", patience=2 * RETRY_SECONDS)
        broker.config_set("save", "")


def _is(broker: redis.Redis, status: str) -> bool:
    found: str = broker.info("persistence")["rdb_last_bgsave_status"]
    return found == status
