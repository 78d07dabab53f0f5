"""How consumers share workers."""

from math import inf
from statistics import fmean
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sharing import AHEAD, NOW, Flood, Simulation, consumer, of

from casework.core.capacity import Load, Room, Worker
from casework.core.effects import RunMessage
from casework.core.plan import Candidate, Lane, Opening, assign
from casework.core.shares import FOLLOWED, SAMPLE, Shares

WINDOW = 10.0


def messages(count, first=0):
    return [RunMessage(UUID(int=first + number), 1) for number in range(count)]


def assert_holds(simulation, start, end):
    weights, got = [flood.weight for flood in simulation.floods], simulation.slot_time(start, end)
    due = [sum(got) * weight / sum(weights) for weight in weights]
    assert all(abs(has / fair - 1) <= 0.1 for has, fair in zip(got, due, strict=True)), (start, end, got, due)


def assert_shares_hold(simulation, end, *, after=1.0, apart_from=(inf, inf)):
    """In any ten seconds, but for those that begin or end between two moments."""
    start, (first, last) = after, apart_from
    while start + WINDOW <= end:
        if not any(first < edge < last for edge in (start, start + WINDOW)):
            assert_holds(simulation, start, start + WINDOW)
        start += 0.5


sets_of_weights = st.sampled_from([(1, 3), (3, 1), (1, 1), (2, 5), (1, 2, 3)])
lengths = st.lists(st.sampled_from([0.01, 0.02, 0.05, 0.2]), min_size=1, max_size=3)


@settings(max_examples=8, deadline=None)
@given(sets_of_weights, st.lists(lengths, min_size=3, max_size=3), st.integers(2, 6))
def test_slot_time_follows_weights_in_any_ten_seconds(weights, mixes, slots):
    """Of runs of one agent: what is known of them is what they take on average over all consumers."""
    mean = fmean(length for mix in mixes for length in mix)
    floods = [Flood(weight, of(*mix), mean) for weight, mix in zip(weights, mixes, strict=False)]
    assert_shares_hold(Simulation(floods, slots=slots).until(13.0), 13.0)


@settings(max_examples=8, deadline=None)
@given(
    sets_of_weights,
    st.lists(lengths, min_size=3, max_size=3),
    st.lists(st.sampled_from([None, 0.001, 0.01, 0.1, 0.2, 60.0]), min_size=3, max_size=3),
    st.integers(2, 6),
)
def test_what_was_expected_wrongly_is_made_up_for(weights, mixes, expected, slots):
    floods = [Flood(*one) for one in zip(weights, [of(*each) for each in mixes], expected, strict=False)]
    assert_holds(Simulation(floods, slots=slots).until(20.0), 0.0, 20.0)


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([0.01, 0.2]), st.sampled_from([0.01, 0.2]), st.integers(1, 4))
def test_several_tickers_share_by_weight_each_for_its_own_claims(one, three, tickers):
    floods = [Flood(1, of(one), 0.1), Flood(3, of(three), 0.1)]
    assert_shares_hold(Simulation(floods, tickers=tickers).until(13.0), 13.0, after=2.0)


def changing(before, after, at):
    return lambda chance, now: before if now < at else after


@pytest.mark.parametrize("tickers", [1, 3])
@pytest.mark.parametrize(("before", "after"), [(0.01, 0.2), (0.2, 0.01)])
def test_shares_hold_while_runs_become_shorter_and_longer(before, after, tickers):
    """What was claimed before it showed is made up for: each ticker does so by itself."""
    floods = [Flood(1, changing(before, after, 8.0), 0.1), Flood(3, changing(after, before, 8.0), 0.1)]
    assert_shares_hold(
        Simulation(floods, tickers=tickers).until(22.0), 22.0, after=2.0, apart_from=(8.0, 8.0 + 2 * tickers)
    )


@settings(max_examples=8, deadline=None)
@given(st.floats(0.1, 1.0), st.floats(1.0, 20.0), st.sampled_from([0.02, 0.2]), st.sampled_from([0.01, 5.0]))
def test_nobody_starves_beside_a_heavier_flood(small, large, length, expected):
    floods = [Flood(small, of(0.2), expected), Flood(large, of(length), 0.1)]
    end = 6.0 + large / small * 0.2
    assert Simulation(floods, slots=2).until(end).slot_time(0, end)[0] > 0


def test_nobody_waits_for_what_others_were_only_expected_to_take():
    """Runs that were taken for a minute each and are over at once."""
    shares = Shares()
    for number, name in enumerate(("first", "second")):
        shares.charge(name, 240.0)
        shares.follow(name, messages(4, 10 * number), 60.0)
    shares.advance(["first", "second"])
    shares.charge("new", 60.0)
    for message in shares.unsettled(100):
        shares.settle(message, 0.01)
    assert shares.time("first") < 1
    assert shares.time("new") <= 60


def test_a_run_that_goes_on_is_charged_with_what_it_has_taken():
    shares = Shares()
    shares.charge("one", 0.1, 2.0)
    shares.follow("one", messages(1), 0.1, 2.0)
    shares.goes_on(*messages(1), 8.0)
    assert shares.time("one") == pytest.approx(4.0)
    shares.goes_on(*messages(1), 6.0)
    assert shares.time("one") == pytest.approx(4.0)
    shares.settle(*messages(1), 9.0)
    assert shares.time("one") == pytest.approx(4.5)
    assert shares.unsettled(10) == []


def test_a_run_of_unknown_length_took_what_it_was_charged_with():
    shares = Shares()
    shares.charge("one", 0.3)
    shares.follow("one", messages(1), 0.3)
    shares.settle(*messages(1), None)
    assert shares.time("one") == pytest.approx(0.3)
    assert shares.expected("one") is None


@given(st.integers(1, 500), st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_a_few_of_many_runs_stand_for_all(count, expected, took):
    shares = Shares()
    shares.charge("one", count * expected)
    shares.follow("one", messages(count), expected)
    followed = shares.unsettled(1000)
    assert len(followed) == min(count, SAMPLE)
    for message in followed:
        shares.settle(message, took)
    assert shares.time("one") == pytest.approx(count * took)


def test_runs_are_followed_in_turn_and_not_without_end():
    shares = Shares()
    shares.charge("one", 1.0)
    for number in range(FOLLOWED):
        shares.follow("one", messages(2, 2 * number), 0.1)
    seen = [message for _ in range(4) for message in shares.unsettled(FOLLOWED // 4)]
    assert len(set(seen)) == len(seen) == FOLLOWED


def test_a_consumer_that_was_away_gets_no_credit_for_it():
    shares = Shares()
    for _ in range(100):
        shares.charge("busy", 1.0)
        shares.advance(["busy"])
    assert shares.time("away") == shares.time("busy")
    shares.charge("away", 1.0)
    assert shares.time("busy") < shares.time("away")


@pytest.mark.parametrize("length", [0.01, 0.2])
def test_shares_hold_after_a_pause(length):
    floods = [Flood(1, of(0.2), 0.1, away=lambda now: now < 8.0), Flood(1, of(length), 0.1), Flood(2, of(0.05), 0.1)]
    assert_shares_hold(Simulation(floods).until(20.0), 20.0, after=8.5)


@pytest.mark.parametrize("seconds", [0.01, 0.2, 20.0])
def test_who_comes_to_one_that_was_alone_is_next(seconds):
    shares = Shares()
    for _ in range(10):
        shares.charge_alone("alone", seconds)
    assert shares.time("new") < shares.time("alone") <= shares.time("new") + seconds * 1.001


def test_whoever_is_alone_gets_everything():
    (got,) = Simulation([Flood(0.01, of(0.2), 0.2)]).until(6.0).slot_time(0, 6.0)
    assert got > 0.94 * 4 * 6


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
    room = Room([Worker("w", "", 1, {})], [Load(consumer(1), "", "w", 50, 0)], means, AHEAD)
    assert assign(openings, ready, room, shares) == []
