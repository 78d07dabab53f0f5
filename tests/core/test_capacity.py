"""How much workers can begin."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from casework.core.capacity import Load, Room, Worker

A, B = (UUID(int=9), UUID(int=1)), (UUID(int=9), UUID(int=2))
AHEAD = 0.1


def room(workers, loads=(), **seconds):
    known = {A[1]: seconds.get("a"), B[1]: seconds.get("b")}
    return Room(workers, loads, {agent: each for agent, each in known.items() if each is not None}, AHEAD)


def worker(slots=4, id="w", group="", lacks=()):
    return Worker(id, group, slots, dict.fromkeys(lacks, "it is missing"))


def test_long_runs_are_claimed_for_free_slots_only():
    assert room([worker(4)]).runs_that_fit(A, "") == 4
    assert room([worker(4)], [Load(A, "", "w", 3, 0)], a=1.0).runs_that_fit(A, "") == 1
    assert room([worker(4)], [Load(A, "", "w", 3, 0), Load(A, "", None, 1, 0)], a=1.0).runs_that_fit(A, "") == 0


def test_short_runs_are_claimed_for_a_short_time_ahead():
    assert room([worker(2)], a=0.01).runs_that_fit(A, "") == 20
    assert room([worker(2)], [Load(A, "", None, 15, 0)], a=0.01).runs_that_fit(A, "") == 5


def test_runs_that_take_longer_than_expected_fill_their_slots():
    assert room([worker(2)], [Load(A, "", "w", 2, 2)], a=0.01).runs_that_fit(A, "") == 0


def test_what_a_consumers_own_runs_take_counts_before_what_its_agents_do():
    own = {A: 0.01}
    one = Room([worker(1)], [], {A[1]: 0.05, B[1]: 0.05}, AHEAD, own.get)
    assert (one.runs_that_fit(A, ""), one.runs_that_fit(B, "")) == (10, 2)
    assert (one.seconds(A), one.seconds(B)) == (0.01, 0.05)


def test_a_worker_fills_no_more_than_its_own_slots():
    loads = [Load(A, "", "one", 50, 50), Load(A, "", "gone", 8, 8)]
    assert room([worker(2, "one"), worker(3, "two")], loads, a=0.01).runs_that_fit(B, "") == 3


def test_nothing_fits_without_a_worker_of_the_group_that_can_run_the_agent():
    assert room([]).is_full()
    assert room([worker(group="gpu")]).runs_that_fit(A, "") == 0
    assert room([worker(group="gpu")]).runs_that_fit(A, "gpu") == 4
    mixed = room([worker(4, "old", lacks=[A[1]]), worker(2, "new")])
    assert (mixed.runs_that_fit(A, ""), mixed.runs_that_fit(B, "")) == (2, 6)


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
    st.floats(0.0005, 2.0),
    st.floats(0.0005, 2.0),
    st.lists(st.booleans(), max_size=60),
)
def test_what_is_claimed_is_never_more_than_the_slots_and_their_time_ahead(slots, a, b, wishes):
    one = room([worker(count, str(number)) for number, count in enumerate(slots)], a=a, b=b)
    taken = 0.0
    for wish in wishes:
        consumer = A if wish else B
        if one.fits(consumer, ""):
            one.take(consumer, "")
            taken += one.weight(consumer)
    assert taken <= sum(slots) + 1e-6
    assert all(one.runs_that_fit(each, "") == 0 or one.fits(each, "") for each in (A, B))
