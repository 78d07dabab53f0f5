"""How long a failed run waits for its next attempt, and which waits cost one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.retry import MAX_WAIT_SECONDS, NextAttempt, backoff, next_attempt
from casework.settings import Settings

DEFAULTS = Settings()


def after(failures, **options):
    return next_attempt(failures, 5, 1.0, 0.0, **{"asked_limit": 600.0, **options})


@given(st.integers(1, 1000), st.floats(0.01, 10), st.floats(0, 1))
def test_backoff_grows_and_ends_at_a_minute(failures, base, jitter):
    wait = backoff(failures, base, jitter)
    assert 0 < wait <= MAX_WAIT_SECONDS
    assert wait <= backoff(failures + 1, base, jitter)
    assert wait >= backoff(failures, base, 0) * 0.75


@pytest.mark.parametrize("jitter", [0, 1])
def test_the_waits_of_a_run_reach_past_a_minute_with_any_jitter(jitter):
    base, attempts = DEFAULTS.retry_base_seconds, DEFAULTS.max_attempts
    waits = [next_attempt(failures, attempts, base, jitter) for failures in range(attempts)]
    assert waits[-1] is None
    assert sum(wait.seconds for wait in waits[:-1]) > 60


def test_a_requested_wait_is_respected_and_costs_no_attempt():
    assert after(0, asked=8) == NextAttempt(8, counts=False)
    assert after(4, asked=8) == NextAttempt(8, counts=False)


@given(st.floats(0.001, 2000), st.floats(0, 700), st.integers(0, 3), st.floats(0, 1))
def test_no_attempt_comes_before_the_time_that_was_asked_for(asked, before, failures, jitter):
    following = next_attempt(failures, 5, 1.0, jitter, asked=asked, asked_before=before, asked_limit=600)
    assert following.seconds >= asked


def test_past_the_limit_a_wait_that_is_asked_for_costs_an_attempt():
    assert after(0, asked=8, asked_before=595) == NextAttempt(8, counts=True)
    assert after(4, asked=8, asked_before=595) is None
    assert after(0, asked=8, asked_limit=0) == NextAttempt(8, counts=True)


def test_a_service_that_always_says_soon_is_asked_less_and_less_often():
    waited, times = 0.0, 0
    while (following := after(0, asked=0.001, asked_before=waited)) and not following.counts:
        waited, times = waited + following.seconds, times + 1
    assert times < 40


@pytest.mark.parametrize("asked", [None, 0.0])
def test_without_a_wait_that_is_asked_for_each_failure_counts(asked):
    assert after(1, asked=asked) == NextAttempt(4, counts=True)


def test_the_wait_of_a_lost_run_began_with_its_silence():
    assert after(0, passed=30) == NextAttempt(0, counts=True)
    assert after(3, passed=30) == NextAttempt(30, counts=True)
