"""A marker for options that were not given, because None is a valid value."""

from enum import Enum
from typing import Any, Final


class Unset(Enum):
    """The type of UNSET, for the type checker."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


def given(**options: Any) -> dict[str, Any]:
    """The options that are set."""
    return {name: value for name, value in options.items() if value is not UNSET}
