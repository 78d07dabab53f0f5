"""The agents and the cases of `casework up --demo`."""

from dataclasses import asdict
from itertools import islice

import pytest

from casework import Decision
from casework.core.lifecycle import CaseStatus
from casework.demo import desk
from casework.demo.invoices import invoices, troubled
from casework.demo.letters import asks_nothing, letters, refunds
from casework.testing import Answering, run_agent


def case(new):
    return {"title": new.title, "data": new.data}


def test_refund_is_what_the_person_made_of_it():
    (order,) = islice(refunds(), 1)

    def answer(request):
        return Answering(arguments={**request.action.arguments, "amount": 10.0})

    result = run_agent(desk.refunds, data=order.data, answers=answer)
    assert result.reason == f"refunded 10.00 {order.data['currency']}"


def test_declined_refund_fails_with_the_message():
    (order,) = islice(refunds(), 1)
    result = run_agent(
        desk.refunds, data=order.data, answers=lambda _: Answering(decision=Decision.REJECT, message="not ours")
    )
    assert (result.status, result.reason) == (CaseStatus.FAILED, "not ours")


def test_large_refund_asks_the_warehouse_first():
    order = next(one for one in refunds() if one.data["amount"] > 2000)
    asked = []

    def answer(request):
        asked.append(request.kind)
        return {"damage": "none"} if request.kind == "form" else True

    run_agent(desk.refunds, data=order.data, answers=answer)
    assert asked == ["form", "approval"]


@pytest.mark.parametrize("letter", list(islice(letters(), 8)), ids=lambda letter: letter.data["kind"])
def test_each_kind_of_letter_comes_to_an_end(letter):
    def answer(request):
        return request.options[0] if request.options else True

    result = run_agent(desk.mail, data=letter.data, answers=answer)
    ends = {"unreadable": CaseStatus.FAILED, "later": CaseStatus.POSTPONED}
    assert result.status is ends.get(letter.data["kind"], CaseStatus.COMPLETED)


def test_cases_that_ask_nothing_are_told_from_others():
    assert not any(asks_nothing(order) for order in islice(refunds(), 20))
    assert {letter.data["kind"] for letter in islice(letters(), 20) if asks_nothing(letter)} == {"routine"}
    asking = {"INV-1012", "INV-1025", "INV-1077", "INV-1118", "INV-1140", "INV-1201", "INV-1233", "INV-1266"}
    assert {one.data["number"] for one in invoices() if not asks_nothing(one)} == asking


def test_stories_are_the_same_each_time():
    assert [asdict(one) for one in islice(letters(), 30)] == [asdict(one) for one in islice(letters(), 30)]
    assert [one.title for one in troubled()] == [one.title for one in troubled()]
