"""What a run streams reaches who listens, and nobody else."""

from uuid import uuid4

import pytest

from casework.broker.deltas import Deltas
from casework.broker.names import Names
from casework.broker.publisher import Publisher
from casework.core.effects import Effects
from casework.core.model import RunId
from casework.errors import BrokerUnavailable

NAMES = Names("streams:")
RUN, OTHER = RunId(uuid4()), RunId(uuid4())


def test_who_listens_hears_the_run_in_order(servers):
    publisher = Publisher(servers.redis, lambda: NAMES)
    publisher.perform(Effects(deltas=((RUN, "before"),)))
    with Deltas(servers.redis, NAMES, RUN) as deltas:
        publisher.perform(Effects(deltas=((RUN, "one "), (OTHER, "else"), (RUN, "zwei ü"))))
        heard = [deltas.next(5), deltas.next(5), deltas.next(0.01)]
    assert heard == ["one ", "zwei ü", ""]
    publisher.close()


def test_streaming_to_nobody_and_without_redis_harms_nothing():
    Publisher("redis://127.0.0.1:1/0", lambda: NAMES).perform(Effects(deltas=((RUN, "x"),)))


def test_listening_without_redis_says_so():
    with pytest.raises(BrokerUnavailable), Deltas("redis://127.0.0.1:1/0", NAMES, RUN):
        pass
