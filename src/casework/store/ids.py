"""Ids: UUIDv7, time-ordered, so that the newest rows share pages and indexes stay dense."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new id, greater than all that this process made before."""
    return uuid7()


def new_ids(count: int) -> list[UUID]:
    return [uuid7() for _ in range(count)]
