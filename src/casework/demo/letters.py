"""Made-up refunds and letters, the same each time."""

import random
from collections.abc import Iterator
from itertools import count

from casework.core.model import LabelRef, NewCase, Priority
from casework.demo.agents import APPROVAL_LIMIT

_CUSTOMERS = ("Amara Okafor", "Björn Lindqvist", "Chen Wei", "Dalia Haddad", "Emil Novák", "Fatou Diop", "Grace Kim")
_REASONS = (
    "The parcel was lost on its way",
    "The lamp arrived with a crack in its shade",
    "Two shelves instead of one were charged",
    "The size does not fit, sent back unused",
)
_LETTERS = (
    ("routine", "opening hours", "When do you open on Saturdays?", "We are open from 10 to 18 on Saturdays."),
    (
        "sensitive",
        "a late delivery",
        "I waited for two weeks and nobody called.",
        "We are sorry. The parcel leaves today.",
    ),
    ("routine", "an invoice", "I need the invoice once more, please.", "You find the invoice attached."),
    ("unclear", "a spare part", "I need a new foot for the lamp I bought.", "The part is on stock, and costs 8 EUR."),
    (
        "sensitive",
        "a complaint",
        "The shelf is crooked. I want my money back!",
        "We offer an exchange, or your money back.",
    ),
    ("unreadable", "a scan", "", ""),
    ("routine", "shipping abroad", "Do you ship to Norway?", "We do, for 14 EUR, within five days."),
    ("later", "a stock request", "When will Lamp Iris be there again?", "It is expected next week."),
)


def asks_nothing(case: NewCase) -> bool:
    """Whether the agents need nobody for a case of the demo."""
    if "order" in case.data:
        return False
    if "kind" in case.data:
        return bool(case.data["kind"] == "routine")
    return case.data["currency"] is not None and bool(case.data["amount"] <= APPROVAL_LIMIT)


def refunds() -> Iterator[NewCase]:
    """Orders that customers want to be paid back."""
    chance = random.Random(11)  # noqa: S311 - a story, not a secret
    for number in count(1):
        customer = chance.choice(_CUSTOMERS)
        amount = round(chance.uniform(2_100, 3_900) if number % 7 == 0 else chance.uniform(12, 480), 2)
        data = {
            "order": f"A-{20_000 + 17 * number}",
            "customer": customer,
            "amount": amount,
            "currency": chance.choice(("EUR", "EUR", "USD")),
            "reason": chance.choice(_REASONS),
            "delivered": chance.choice(("yes", "no")),
            "orders": chance.randrange(1, 40),
            "refunds": chance.randrange(0, 3),
        }
        priority = Priority.HIGH if amount > 2_000 else Priority.NONE
        yield NewCase(
            f"Refund of order {data['order']}", data, (LabelRef(str(data["currency"]), "currency"),), priority
        )


def letters() -> Iterator[NewCase]:
    """Letters of customers."""
    chance = random.Random(13)  # noqa: S311 - a story, not a secret
    for number in count(1):
        kind, topic, text, answer = _LETTERS[number % len(_LETTERS)]
        name = chance.choice(_CUSTOMERS).split()[0].lower()
        data = {"from": f"{name}@example.com", "topic": topic, "text": text, "answer": answer, "kind": kind}
        yield NewCase(f"Letter about {topic}", data, (LabelRef(kind, "kind"),))
