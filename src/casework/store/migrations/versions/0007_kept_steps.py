"""A case that is retried may keep the steps of its last run, and a step knows whether its agent awaited it."""

from alembic import op

revision = "0007"
down_revision = "0006"

DDL = """
ALTER TABLE cases ADD COLUMN steps_of_run UUID;
ALTER TABLE run_steps ADD COLUMN awaited BOOLEAN NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    """Add both columns; neither rewrites its table."""
    op.execute(DDL)
