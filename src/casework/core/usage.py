"""What the models of a run have used."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from casework.core.payload import check_text
from casework.errors import InvalidInput

MAX_COUNT = 2**53 - 1
MAX_COST = 1e9
MAX_KEY = 200
MAX_MODEL = 200


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, requests and cost. The currency of the cost is the installation's own choice."""

    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    cost: float = 0.0
    models: tuple[str, ...] = ()
    """The models that were used, by name."""


def total(used: Iterable[Usage]) -> Usage:
    """All of it together."""
    every = list(used)
    return Usage(
        sum(one.input_tokens for one in every),
        sum(one.output_tokens for one in every),
        sum(one.requests for one in every),
        math.fsum(one.cost for one in every),
        tuple(sorted({model for one in every for model in one.models})),
    )


def check_usage(usage: Usage) -> None:
    """Raise InvalidInput for what cannot have been used."""
    for what in ("input_tokens", "output_tokens", "requests"):
        count = getattr(usage, what)
        if type(count) is not int or not 0 <= count <= MAX_COUNT:
            raise InvalidInput(f"The {what} of a usage are a whole number from 0 on (got {count!r:.100}).")
    cost = usage.cost
    if isinstance(cost, bool) or not (isinstance(cost, int | float) and math.isfinite(cost) and 0 <= cost <= MAX_COST):
        raise InvalidInput(f"The cost of a usage is a number from 0 to {MAX_COST:.0f} (got {cost!r:.100}).")
    for model in usage.models:
        check_text("model's name", model, least=1, most=MAX_MODEL)
