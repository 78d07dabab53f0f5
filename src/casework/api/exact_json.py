"""JSON that comes back as it was sent, or is refused: its numbers, and the fields of its objects."""

import json
import math
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from casework.core.payload import storable
from casework.errors import InvalidInput

_SHORT = 15
"""A number of at most this many characters, without an exponent, always fits into a double."""


def loads(body: bytes) -> Any:
    """The value of a request's body.

    Raises InvalidInput if it is not JSON, has a number that a double cannot keep, or an object with a field twice.
    """
    try:
        return json.loads(body, parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
    except InvalidInput:
        raise
    except RecursionError:
        raise InvalidInput("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    except ValueError:
        raise InvalidInput("The body is not JSON: it has an integer with more than 4300 digits.") from None


def _number(text: str) -> float:
    number = float(text)
    if len(text) <= _SHORT and "e" not in text and "E" not in text:
        return number
    try:
        kept = math.isfinite(number) and Decimal(text) == Decimal(repr(number))
    except InvalidOperation:
        kept = False
    if not kept:
        raise InvalidInput(f"The number {text[:40]} does not fit into a double: send it as text to keep every digit.")
    return number


def _object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) < len(fields):
        # One of the two would be lost, and others may take the other one for what is meant.
        name = next(name for name, count in Counter(name for name, _ in fields).items() if count > 1)
        raise InvalidInput(f"The body has the field {storable(name[:40])!r} twice in one object.")
    return found


def _constant(text: str) -> Any:
    raise InvalidInput(f"The body is not JSON: {text} is not a JSON number.")
