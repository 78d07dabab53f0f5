"""Secrets that the processes of an installation share."""

from alembic import op

revision = "0013"
down_revision = "0012"

DDL = """
CREATE TABLE secrets (
    name TEXT NOT NULL,
    value BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (name)
);
"""


def upgrade() -> None:
    """Add the table, which is empty until a process needs a secret."""
    op.execute(DDL)
