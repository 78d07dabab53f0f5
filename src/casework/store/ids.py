"""Ids: UUIDv7, time-ordered, so that the newest rows share pages and indexes stay dense."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new id, later than every one this process made before."""
    return uuid7()


def new_ids(count: int) -> list[UUID]:
    """That many new ids, in order."""
    return [uuid7() for _ in range(count)]
