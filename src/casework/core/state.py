"""What a run keeps for itself from attempt to attempt: bytes under a name."""

from casework.core.payload import check_text
from casework.errors import InvalidInput

MAX_NAME = 200
MAX_BYTES = 16 * 1024 * 1024


def check_name(name: str) -> None:
    """Raise InvalidInput for a name that no state can have."""
    check_text("state's name", name, least=1, most=MAX_NAME)


def check_value(name: str, value: bytes) -> None:
    """Raise InvalidInput for what cannot be kept under the name."""
    check_name(name)
    if not isinstance(value, bytes):
        raise InvalidInput(f"The state {name!r} is bytes (got {type(value).__name__}): encode it first.")
    if len(value) > MAX_BYTES:
        raise InvalidInput(f"The state {name!r} has {len(value)} bytes; {MAX_BYTES} is the most.")
