"""Ids: UUIDv7, time-ordered, so that the newest rows share pages and indexes stay dense."""

from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new id, greater than all that this process made before."""
    return uuid7()


def new_parameters(count: int) -> list[uuid_utils.UUID]:
    """New ids that are only sent, as parameters of a statement: made in a tenth of the time."""
    return [uuid_utils.uuid7() for _ in range(count)]


def new_ids(count: int) -> list[UUID]:
    return [uuid7() for _ in range(count)]
