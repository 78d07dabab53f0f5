"""Secrets that all processes of an installation share."""

from casework.store.database import Tx


def get(tx: Tx, name: str) -> bytes | None:
    found: bytes | None = tx.sql("select value from secrets where name = %(name)s", {"name": name}).scalar_one_or_none()
    return found


def keep(tx: Tx, name: str, value: bytes) -> None:
    """Keep a value under that name, unless another process was first."""
    tx.sql(
        "insert into secrets (name, value) values (%(name)s, %(value)s) on conflict (name) do nothing",
        {"name": name, "value": value},
    )
