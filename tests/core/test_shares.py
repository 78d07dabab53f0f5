"""How consumers share workers. Slots are simulated: what ends first frees its slot, and the plan gives it to somebody."""

import heapq
import random
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.core.capacity import Load, Room, Worker
from casework.core.plan import Candidate, Lane, Opening, assign
from casework.core.shares import Shares

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = 0.1


def consumer(number):
    return UUID(int=number + 1), UUID(int=number + 101)


def simulate(weights, seconds, *, slots=4, until=6.0, seed=0):
    """Slot seconds that each consumer gets, all of them flooded; `seconds` are the lengths of its runs, drawn at random."""
    shares, chance = Shares(), random.Random(seed)
    means = {consumer(number)[1]: sum(each) / len(each) for number, each in enumerate(seconds)}
    got, now, running = Counter(), 0.0, []
    openings = [Opening(*consumer(number), True, 100, weight) for number, weight in enumerate(weights)]
    ready = [
        Candidate(Lane.NONE, NOW, UUID(int=1000 * (number + 1) + nth), consumer(number)[0], None)
        for number in range(len(weights))
        for nth in range(12)
    ]
    while now < until:
        loads = Counter(agent for _, agent in running)
        room = Room(
            [Worker("w", "", slots, {})],
            [Load(agent, "", "w", count, 0) for agent, count in loads.items()],
            means,
            AHEAD,
        )
        for pick in assign(openings, ready, room, shares):
            number = pick.agent_id.int - 101
            length = chance.choice(seconds[number])
            got[number] += min(length, until - now)
            heapq.heappush(running, (now + length, pick.agent_id))
        now, _ = heapq.heappop(running)
    return [got[number] for number in range(len(weights))]


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from([(1, 3), (1, 1), (2, 5), (1, 2, 3)]),
    st.lists(st.sampled_from([0.02, 0.05, 0.2]), min_size=3, max_size=3),
    st.integers(2, 6),
)
def test_slot_time_is_shared_by_weight_within_a_tenth(weights, lengths, slots):
    got = simulate(weights, [[each] for each in lengths[: len(weights)]], slots=slots)
    fair = [sum(got) * weight / sum(weights) for weight in weights]
    assert all(0.9 * due <= has <= 1.1 * due for has, due in zip(got, fair, strict=True)), (got, fair)


def test_runs_of_mixed_lengths_are_shared_by_weight():
    one, three = simulate((1, 3), [[0.01, 0.2], [0.01, 0.2]], until=30.0)
    assert 2.7 < three / one < 3.3


@settings(max_examples=8, deadline=None)
@given(st.floats(0.1, 1.0), st.floats(1.0, 20.0), st.sampled_from([0.02, 0.2]))
def test_nobody_starves_beside_a_heavier_flood(small, large, length):
    got = simulate((small, large), [[0.2], [length]], slots=2, until=4.0 + large / small * 0.2)
    assert got[0] > 0


def test_a_consumer_that_was_away_gets_no_credit_for_it():
    shares = Shares()
    for _ in range(100):
        shares.charge("busy", 1.0)
        shares.advance(["busy"])
    assert shares.time("away") == shares.time("busy")
    shares.charge("away", 1.0)
    assert shares.time("busy") < shares.time("away")


def test_whoever_is_alone_gets_everything():
    (got,) = simulate((0.01,), [[0.2]])
    assert got > 0.95 * 4 * 6


def test_a_run_that_goes_on_is_before_everything_new():
    openings = [Opening(*consumer(number), True, 10, 1.0) for number in range(2)]
    shares = Shares()
    shares.charge(consumer(1), 1000.0)
    queue, agent = consumer(1)
    ready = [
        Candidate(Lane.HIGH, NOW, UUID(int=1), consumer(0)[0], None),
        Candidate(Lane.RESUMED, NOW, UUID(int=2), queue, agent),
    ]
    room = Room([Worker("w", "", 1, {})], [], {}, AHEAD)
    assert [pick.case_id for pick in assign(openings, ready, room, shares)] == [UUID(int=2)]


def test_short_runs_leave_room_for_the_long_one_whose_turn_it_is():
    openings = [Opening(*consumer(0), True, 10, 1.0), Opening(*consumer(1), True, 10, 1.0)]
    shares = Shares()
    shares.charge(consumer(1), 1.0)
    ready = [Candidate(Lane.NONE, NOW, UUID(int=10 + n), consumer(n % 2)[0], None) for n in range(8)]
    means = {consumer(0)[1]: 1.0, consumer(1)[1]: 0.001}
    room = Room([Worker("w", "", 1, {})], [Load(consumer(1)[1], "", "w", 50, 0)], means, AHEAD)
    assert assign(openings, ready, room, shares) == []
