"""Who is signed in on the web page, and links that sign in. Both hold hashes of random tokens, and no foreign keys: keys are
never removed, only revoked."""

from sqlalchemy import Column, Index, Table, Text, Uuid

from casework.store.tables.columns import created, metadata, moment


def _tokens(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("hash", Text, primary_key=True),
        Column("key_id", Uuid, nullable=False),
        Column("person", Text),
        created(),
        moment("expires_at", nullable=False),
        # Old ones are forgotten.
        Index(f"{name}_age", "expires_at"),
    )


web_sessions = _tokens("web_sessions")
web_links = _tokens("web_links")
