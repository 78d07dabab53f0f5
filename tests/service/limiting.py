"""What tests of limits do again and again."""

from collections import Counter

from casework.core.model import NewCase
from casework.service import cases, limits
from casework.service.ticker import Ticker
from casework.store import transitions
from factories import TEAM, claim, start, the_case, the_run


def limit(db, **scope):
    return limits.put(db, TEAM, **scope).value


def of(db, queue, customer, count=1, **fields):
    new = [NewCase(f"{customer} {number}", {"customer": customer}, **fields) for number in range(count)]
    return cases.create(db, queue.id, new).value


def customers(db, messages):
    return Counter(the_case(db, the_run(db, one).case_id).data["customer"] for one in messages)


def end(db, *messages):
    for message in messages:
        with db.begin() as tx:
            assert transitions.complete(tx, start(db, message), None)


def all_claims(db, ticker=None, most=50):
    """Rounds of claims until nothing is claimed and nothing waits for another look."""
    ticker, found = ticker or Ticker(), []
    for _ in range(most):
        claimed = claim(db, ticker=ticker)
        found += claimed
        if not claimed and not claim(db, ticker=ticker):
            break
    return found


def parked(db):
    with db.begin() as tx:
        return tx.sql("select count(*) from cases where parked").scalar_one()
