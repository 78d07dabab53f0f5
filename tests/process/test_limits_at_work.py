"""Limits among processes that run: rates wake the ticker, and each customer's runs follow one another."""

from itertools import pairwise

import pytest

from casework.cli.roles import Pool
from casework.core.limits import Rate
from casework.service import limits
from factories import TEAM, worked_queue

pytestmark = pytest.mark.process


def moments(installation, queue):
    """When runs were claimed and when they ended, in seconds."""
    with installation.db.begin() as tx:
        rows = tx.sql(
            "select extract(epoch from r.claimed_at)::float as claimed, extract(epoch from r.completed_at)::float as ended,"
            " c.data ->> 'customer' as customer from runs r join cases c on c.id = r.case_id"
            " where r.queue_id = %(queue)s order by r.claimed_at",
            {"queue": queue.id},
        )
        return [(row.claimed, row.ended, row.customer) for row in rows]


def test_a_rate_is_kept_and_used_between_the_beats(working):
    """A beat each second would start one of them each second."""
    installation = working(Pool.THREADS)
    queue, _ = worked_queue(installation.db)
    installation.casework.perform(limits.put(installation.db, TEAM, queue=queue.id, rate=Rate(5, 1.0)))
    installation.add(queue, 15)
    installation.wait_until_ended(queue, 15)
    claimed = [moment for moment, _, _ in moments(installation, queue)]
    assert all(sum(begin <= one < begin + 1 for one in claimed) <= 6 for begin in claimed)
    assert claimed[-1] - claimed[0] < 9


@pytest.mark.quick
def test_each_customers_runs_follow_one_another(working):
    installation = working(Pool.THREADS)
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    limit = limits.put(installation.db, TEAM, queue=queue.id, key="data.customer", concurrency=1)
    installation.casework.perform(limit)
    for customer in "abc":
        installation.add(queue, 6, data={"customer": customer, "seconds": 0.05})
    installation.wait_until_ended(queue, 18)
    for customer in "abc":
        mine = [one[:2] for one in moments(installation, queue) if one[2] == customer]
        assert all(ended <= claimed for (_, ended), (claimed, _) in pairwise(mine))
