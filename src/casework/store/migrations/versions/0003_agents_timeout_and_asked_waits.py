"""An agent has a time limit, and a run knows how long it has waited because other services asked it to."""

from alembic import op

revision = "0003"
down_revision = "0002"

DDL = """
ALTER TABLE agents ADD COLUMN timeout_seconds DOUBLE PRECISION CONSTRAINT agents_timeout_seconds CHECK (timeout_seconds > 0);

ALTER TABLE runs ADD COLUMN asked_wait_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL;
"""


def upgrade() -> None:
    """Add both columns; neither rewrites its table."""
    op.execute(DDL)
