"""How many runs start in a time, and what is refused as a limit."""

import pytest
from limiting import all_claims, customers, limit, of

from casework.core.limits import Rate
from casework.errors import InvalidInput
from casework.service import limits
from casework.service.ticker import Ticker
from factories import some_cases, worked_queue


def test_a_rate_lets_so_many_start_in_a_time(db, clock):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, rate=Rate(10, 60.0, burst=3))
    some_cases(db, queue, 30)
    assert len(all_claims(db)) == 3
    clock.forward(5.9)
    assert all_claims(db) == []
    clock.forward(0.1)
    assert len(all_claims(db)) == 1
    clock.forward(12)
    assert len(all_claims(db)) == 2
    clock.forward(600)
    assert len(all_claims(db)) == 3


def test_each_value_has_a_rate_of_its_own(db, clock):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key="data.customer", rate=Rate(1, 10.0))
    of(db, queue, "a", 3), of(db, queue, "b", 1)
    ticker = Ticker()
    assert customers(db, all_claims(db, ticker)) == {"a": 1, "b": 1}
    for _ in range(2):
        clock.forward(9.9)
        assert all_claims(db, ticker) == []
        assert ticker.wakes_at > 0
        clock.forward(0.1)
        assert customers(db, all_claims(db, ticker)) == {"a": 1}


@pytest.mark.parametrize("key", [None, "data.customer"])
def test_a_faster_rate_holds_from_its_change_on(db, clock, key):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key=key, rate=Rate(1, 86400.0, burst=5))
    of(db, queue, "a", 9)
    ticker = Ticker()
    assert len(all_claims(db, ticker)) == 5
    limit(db, queue=queue.name, key=key, rate=Rate(1, 60.0))
    assert all_claims(db, ticker) == []
    for _ in range(3):
        clock.forward(60)
        assert len(all_claims(db, ticker)) == 1


@pytest.mark.parametrize("key", [None, "data.customer"])
def test_a_clock_that_is_set_back_costs_a_burst_at_most(db, clock, key):
    queue, _ = worked_queue(db)
    limit(db, queue=queue.name, key=key, rate=Rate(1, 60.0, burst=2))
    of(db, queue, "a", 2)
    assert len(all_claims(db)) == 2
    clock.forward(-86400)
    of(db, queue, "a", 9)
    assert all_claims(db) == []
    for _ in range(3):
        clock.forward(60)
        assert len(all_claims(db)) == 1


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ({"concurrency": 1}, "A limit needs a queue, an agent, or both"),
        ({"queue": "inbox"}, "give one of them"),
        ({"queue": "inbox", "concurrency": 0}, "must be between 1 and 100000"),
        ({"queue": "inbox", "rate": Rate(0, 1.0)}, "number of starts must be between"),
        ({"queue": "inbox", "rate": Rate(1, 0.0)}, "time must be between"),
        ({"queue": "inbox", "rate": Rate(1, 1.0, 0)}, "burst must be between"),
        ({"queue": "inbox", "rate": Rate(1, 86400.0, 3661)}, "may be 3660 at most"),
        ({"queue": "inbox", "rate": Rate(3, 366 * 86400.0, 1_000_000)}, "may be 30 at most"),
        ({"queue": "inbox", "concurrency": 1, "key": "customer"}, "label:NAME"),
        ({"queue": "inbox", "concurrency": 1, "key": "data..x"}, "label:NAME"),
        ({"queue": "inbox", "concurrency": 1, "key": "label:"}, "label's key"),
    ],
)
def test_says_what_a_limit_lacks(db, scope, said):
    worked_queue(db)
    with pytest.raises(InvalidInput, match=said):
        limit(db, **scope)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", Rate(10, 60.0)),
        ("3 / 2h", Rate(3, 7200.0)),
        ("100/30s", Rate(100, 30.0)),
        ("1/day", Rate(1, 86400.0)),
    ],
)
def test_reads_rates_as_people_write_them(text, rate):
    assert limits.parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "10", "/minute", "ten/minute", "10/parsec", "1.5/s"])
def test_refuses_what_is_no_rate(text):
    with pytest.raises(InvalidInput):
        limits.parse_rate(text)
