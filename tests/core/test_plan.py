from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.effects import RunMessage
from casework.core.plan import MOST_IN_A_BUNDLE, Candidate, Lane, Opening, assign, bundle, free_slots

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUEUES = [UUID(int=number) for number in (1, 2)]
AGENTS = [UUID(int=number) for number in (11, 12, 13)]

openings = st.lists(
    st.builds(Opening, st.sampled_from(QUEUES), st.sampled_from(AGENTS), st.booleans(), st.integers(0, 5)),
    unique_by=lambda opening: (opening.queue_id, opening.agent_id),
    max_size=6,
)
candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(list(Lane)),
        st.integers(0, 3).map(lambda seconds: NOW + timedelta(seconds=seconds)),
        st.integers(100, 160).map(lambda number: UUID(int=number)),
        st.sampled_from(QUEUES),
        st.sampled_from([None, *AGENTS]),
    ),
    unique_by=lambda candidate: candidate.case_id,
    max_size=30,
)


@given(openings, candidates)
def test_gives_no_consumer_too_many_and_no_case_twice(open_, ready):
    where = {candidate.case_id: candidate for candidate in ready}
    picks = assign(open_, ready)
    assert len({pick.case_id for pick in picks}) == len(picks)
    used = Counter((where[pick.case_id].queue_id, pick.agent_id) for pick in picks)
    slots = {(opening.queue_id, opening.agent_id): opening.slots for opening in open_}
    assert all(count <= slots.get(key, 0) for key, count in used.items())


@given(openings, candidates)
def test_gives_reserved_cases_to_their_agent_and_others_to_triggers(open_, ready):
    where = {candidate.case_id: candidate for candidate in ready}
    triggered = {(opening.queue_id, opening.agent_id) for opening in open_ if opening.trigger}
    for pick in assign(open_, ready):
        candidate = where[pick.case_id]
        if candidate.agent_id:
            assert pick.agent_id == candidate.agent_id
        else:
            assert (candidate.queue_id, pick.agent_id) in triggered


@given(openings, candidates)
def test_leaves_nothing_that_someone_could_take(open_, ready):
    picks = assign(open_, ready)
    taken = {pick.case_id for pick in picks}
    where = {candidate.case_id: candidate for candidate in ready}
    used = Counter((where[pick.case_id].queue_id, pick.agent_id) for pick in picks)
    free = {(o.queue_id, o.agent_id) for o in open_ if o.slots > used[o.queue_id, o.agent_id]}
    triggered = {(o.queue_id, o.agent_id) for o in open_ if o.trigger}
    for candidate in ready:
        if candidate.case_id not in taken:
            takers = {(candidate.queue_id, agent) for agent in ([candidate.agent_id] if candidate.agent_id else AGENTS)}
            takers = takers if candidate.agent_id else takers & triggered
            assert not takers & free


@given(openings, candidates)
def test_picks_cases_in_order(open_, ready):
    """Whoever waits behind me, for the same agents, is not picked before me."""
    where = {candidate.case_id: candidate for candidate in ready}
    picked = [where[pick.case_id] for pick in assign(open_, ready)]
    taken = {candidate.case_id for candidate in picked}
    for later in picked:
        for earlier in ready:
            if earlier.case_id not in taken and (earlier.queue_id, earlier.agent_id) == (
                later.queue_id,
                later.agent_id,
            ):
                assert later < earlier


def test_shares_a_queue_by_free_capacity():
    queue = QUEUES[0]
    open_ = [Opening(queue, AGENTS[0], True, 10), Opening(queue, AGENTS[1], True, 2)]
    ready = [Candidate(Lane.NONE, NOW, UUID(int=100 + n), queue, None) for n in range(6)]
    assert Counter(pick.agent_id for pick in assign(open_, ready)) == {AGENTS[0]: 5, AGENTS[1]: 1}


@pytest.mark.parametrize(
    ("concurrency", "used", "expected"), [(None, 900, 100), (3, 0, 3), (3, 2, 1), (3, 4, 0), (500, 0, 100)]
)
def test_counts_free_slots(concurrency, used, expected):
    assert free_slots(concurrency=concurrency, used=used, most=100) == expected


def claimed(*agents):
    return [(AGENTS[agent], RunMessage(UUID(int=1000 + number), 1)) for number, agent in enumerate(agents)]


def sizes(bundles):
    return [len(one.runs) for one in bundles]


def test_sends_runs_of_unknown_or_long_length_alone():
    assert sizes(bundle(claimed(*[0] * 20), {}, 0.1)) == [1] * 20
    assert sizes(bundle(claimed(*[0] * 20), {AGENTS[0]: 0.06}, 0.1)) == [1] * 20


def test_bundles_short_runs_up_to_the_time_limit():
    assert sizes(bundle(claimed(*[0] * 20), {AGENTS[0]: 0.03}, 0.1)) == [3, 3, 3, 3, 3, 3, 2]
    assert sizes(bundle(claimed(*[0] * 2 * MOST_IN_A_BUNDLE), {AGENTS[0]: 0.0}, 0.1)) == [MOST_IN_A_BUNDLE] * 2


def test_spreads_a_few_short_runs_over_workers():
    assert sizes(bundle(claimed(*[0] * 4), {AGENTS[0]: 0.001}, 0.1)) == [2] * 2
    assert sizes(bundle(claimed(*[0] * 12), {AGENTS[0]: 0.001}, 0.1)) == [6] * 2


def test_spreads_no_runs_that_take_less_than_a_message():
    assert sizes(bundle(claimed(*[0] * 90), {AGENTS[0]: 0.00001}, 0.1)) == [90]
    assert sizes(bundle(claimed(*[0] * 90), {AGENTS[0]: 0.0001}, 0.1)) == [45] * 2
    assert sizes(bundle(claimed(*[0] * 24), {AGENTS[0]: 0.0001}, 0.1)) == [20, 4]


def test_sends_each_run_alone_if_the_time_limit_is_zero():
    assert sizes(bundle(claimed(*[0] * 20), {AGENTS[0]: 0.001}, 0)) == [1] * 20


def test_sends_a_run_that_was_begun_before_alone():
    runs = claimed(*[0] * 20)
    runs[5] = AGENTS[0], RunMessage(runs[5][1].run_id, 2)
    bundles = bundle(runs, {AGENTS[0]: 0.001}, 0.1)
    assert [len(one.runs) for one in bundles if any(message.attempt > 1 for message in one.runs)] == [1]
    assert sorted(sizes(bundles)) == [1, 9, 10]


@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_bundles_each_run_once_in_order_and_by_agent(agents, paces):
    runs = claimed(*agents)
    bundles = [one.runs for one in bundle(runs, dict(zip(AGENTS, paces, strict=True)), 0.1)]
    of = {message: agent for agent, message in runs}
    assert sorted(message.run_id for one in bundles for message in one) == [message.run_id for _, message in runs]
    for one in bundles:
        assert len({of[message] for message in one}) == 1
        assert list(one) == sorted(one, key=lambda message: message.run_id)
    assert [one[0].run_id for one in bundles] == sorted(one[0].run_id for one in bundles)
