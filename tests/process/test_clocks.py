"""Clocks of machines are set, ahead and back; what casework does by the clock goes on."""

import pytest

from casework.broker.address import client
from casework.cli.roles import beat_command
from chaos.clocks import Clock
from patience import wait_for

pytestmark = pytest.mark.process


@pytest.mark.parametrize("seconds", [-300, 300])
def test_keeps_beating_when_the_clock_is_set(installation, tmp_path, seconds):
    clock = Clock(tmp_path / "clock")
    installation.environment |= clock.environment(installation.environment["PYTHONPATH"])
    installation.start(beat_command(), tick_seconds=0.1)
    ticks = installation.casework.publisher.names.ticks
    with client(installation.settings.redis_url) as redis:
        wait_for(lambda: redis.llen(ticks) >= 3, "the beat to begin")
        clock.put_off(seconds)
        redis.delete(ticks)
        wait_for(lambda: redis.llen(ticks) >= 3, "the beat to go on")
        redis.delete(ticks)
