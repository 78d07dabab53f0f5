"""Three hundred made-up invoices, the same each time."""

import random
from typing import Any

from casework.core.model import LabelRef, NewCase, Priority

COUNT = 300
_VENDORS = (
    "Blue Harbor Foods",
    "Cedar Print",
    "Delta Couriers",
    "Elm Street Dairy",
    "Foxglove Software",
    "Granite Works",
)


def invoices() -> list[NewCase]:
    """New cases: most are plain, and each kind of trouble happens to a few."""
    chance = random.Random(7)  # noqa: S311 - a story, not a secret
    return [_case(number, chance) for number in range(1, COUNT + 1)]


def troubled() -> list[NewCase]:
    """Those with each kind of trouble, and as many plain ones between them."""
    found = invoices()
    return [found[number + step - 1] for number in sorted(_TROUBLES) for step in (0, 1)]


def _case(number: int, chance: random.Random) -> NewCase:
    data: dict[str, Any] = {
        "number": f"INV-{1000 + number}",
        "vendor": chance.choice(_VENDORS),
        "amount": chance.randrange(50, 9_000),
        "currency": "EUR",
        "due": "now",
        "vat_id": f"DE{chance.randrange(10**8, 10**9)}",
        "bank": "steady",
    }
    data |= _TROUBLES.get(number, {})
    priority = Priority.HIGH if data["amount"] > 8_000 else Priority.MEDIUM if number % 10 == 0 else Priority.NONE
    title = f"Invoice {data['number']} from {data['vendor']}"
    return NewCase(title, data, (LabelRef(data["vendor"], "vendor"),), priority)


_TROUBLES: dict[int, dict[str, Any]] = {
    **{number: {"amount": 10_000 + 37 * number} for number in (12, 77, 140, 201, 266)},
    **{number: {"currency": None} for number in (25, 118, 233)},
    **{number: {"due": "later"} for number in (31, 62, 93, 124, 155, 186)},
    **{number: {"bank": "flaky"} for number in (45, 170)},
    88: {"vat_id": ""},
    150: {"vendor": "Acme Offshore"},
}
