"""Parses JSON without losing digits: a number either comes back as it was sent or is refused."""

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any

from casework.errors import InvalidInput

_SHORT = 15
"""A number of at most this many characters, without an exponent, always fits into a double."""


def loads(body: bytes) -> Any:
    """The value of a request's body. Raises InvalidInput if it is not JSON, or has a number that a double cannot keep."""
    try:
        return json.loads(body, parse_float=_number, parse_constant=_constant)
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


def _constant(text: str) -> Any:
    raise InvalidInput(f"The body is not JSON: {text} is not a JSON number.")
