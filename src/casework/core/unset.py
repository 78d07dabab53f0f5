"""Options of a change that were not given: None is a value of its own."""

from enum import Enum
from typing import Any, Final


class Unset(Enum):
    """The type of UNSET, for the type checker."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


def given(**options: Any) -> dict[str, Any]:
    """The options that are set."""
    return {name: value for name, value in options.items() if value is not UNSET}
