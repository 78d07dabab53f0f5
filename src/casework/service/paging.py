"""Cursors: the beginning of the next page as opaque text. Each field is checked when a cursor comes back."""

import base64
import binascii
import json
from datetime import datetime
from uuid import UUID

from casework.core.duration import in_utc
from casework.core.model import Priority
from casework.core.payload import check_text
from casework.errors import InvalidInput
from casework.store.listing import Order, Position, SortBy

MAX_CURSOR = 4096
"""Characters of a cursor. The longest one holds a title of 500 characters with four bytes each."""


def cursor_of(position: Position, order: Order) -> str:
    """The cursor of the page that begins after that case."""
    text = json.dumps([order.by, order.direction, position.value, str(position.id)], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(cursor: str, order: Order) -> Position:
    """The case after which the page begins. Raises InvalidInput for a cursor that does not come from this list."""
    try:
        by, direction, value, id = _fields(cursor)
        if (by, direction) != (order.by, order.direction):
            raise InvalidInput("The cursor belongs to another order: sort_by and sort_order must stay the same.")
        return Position(_checked(value, order.by), UUID(id))
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise InvalidInput("The cursor does not come from a page of this list.") from error


def _fields(cursor: str) -> tuple[str, str, str, str]:
    if len(cursor) > MAX_CURSOR:
        raise ValueError(len(cursor))
    fields = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    if not (isinstance(fields, list) and all(isinstance(field, str) for field in fields)):
        raise TypeError(type(fields))
    sort_by, order, value, id = fields
    return sort_by, order, value, id


def _checked(value: str, sort_by: SortBy) -> str:
    """A value that PostgreSQL can read as the type of its column. Raises ValueError and InvalidInput."""
    if sort_by is SortBy.TITLE:
        check_text("cursor", value)
        return value
    if sort_by is SortBy.PRIORITY:
        if value not in {str(priority.rank) for priority in Priority}:
            raise ValueError(value)
        return value
    if sort_by is SortBy.POSTPONED_TO and value in ("infinity", "-infinity"):
        return value
    return in_utc(datetime.fromisoformat(value)).isoformat()
