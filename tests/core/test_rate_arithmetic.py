"""A rate's arithmetic: no window sees more starts than it may, and what waits may start when it was told."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from casework.core.limits import Bounds, Gates, Line, Rate, in_words
from casework.core.model import CaseId
from casework.core.plan import Candidate, Lane, Opening, assign

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RATES = st.builds(Rate, st.integers(1, 50), st.sampled_from([0.5, 1.0, 60.0, 86400.0]), st.integers(1, 20))
STEPS = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 9)), min_size=1, max_size=40)


@given(RATES, STEPS)
def test_no_window_sees_more_starts_than_its_share_and_a_burst(rate, steps):
    now, paid, starts = NOW, None, []
    for waits, wanted in steps:
        now += timedelta(seconds=waits * rate.interval)
        taken = min(wanted, rate.left(paid, now))
        paid = rate.paid(paid, now, taken)
        starts += [now] * taken
    for first, begin in enumerate(starts):
        within = sum(begin <= one < begin + timedelta(seconds=rate.seconds) for one in starts[first:])
        assert within <= rate.count + rate.burst


@given(RATES, STEPS)
def test_one_may_start_at_the_moment_that_was_told_and_not_before(rate, steps):
    now, paid = NOW, None
    for waits, wanted in steps:
        now += timedelta(seconds=waits * rate.interval)
        paid = rate.paid(paid, now, min(wanted, rate.left(paid, now)))
    then = rate.next_at(paid, now)
    assert rate.left(paid, then) >= 1
    if then > now + timedelta(microseconds=5):
        assert rate.left(paid, now) == 0


@given(RATES, st.integers(1, 200))
def test_a_flood_gets_all_that_the_rate_permits(rate, periods):
    now, paid, starts = NOW, None, 0
    for _ in range(periods):
        taken = rate.left(paid, now)
        paid, starts = rate.paid(paid, now, taken), starts + taken
        now = rate.next_at(paid, now)
    passed = (now - NOW).total_seconds()
    assert starts >= passed / rate.interval - 1


def line(number, left, **fields):
    bounds = Bounds(left)
    return Line(number, number, bounds, 0, None, NOW, **fields)


def test_a_plan_passes_over_what_a_line_holds_back():
    agents = ("one", "two")
    openings = [Opening("q", agent, True, 3) for agent in agents]
    found = [Candidate(Lane.NONE, NOW + timedelta(seconds=n), CaseId(n), "q", None) for n in range(8)]
    full, only_one = line(1, 1, is_keyed=True), line(2, 0, is_keyed=True, agent_id="one")
    gates = Gates({n: [full] for n in range(3)} | {n: [only_one] for n in range(3, 6)})
    picks = {pick.case_id: pick.agent_id for pick in assign(openings, found, gates=gates)}
    assert len([case for case in picks if case < 3]) == 1
    assert {picks[case] for case in picks if 3 <= case < 6} == {"two"}
    assert gates.parks(1, "q", None) == 1
    assert gates.parks(3, "q", None) is None
    assert gates.skipped


def test_says_a_limit_in_words():
    assert in_words(Bounds(1)) == "1 run at once"
    assert in_words(Bounds(2, Rate(10, 60.0, 5))) == "2 runs at once, 10 starts a minute with a burst of 5"
    assert in_words(Bounds(None, Rate(1, 30.0))) == "1 start in 30 s"
