"""A case that a person retries may keep the steps of its last run for its next one."""

from alembic import op

revision = "0008"
down_revision = "0006"

DDL = """
ALTER TABLE cases ADD COLUMN steps_of_run UUID;
"""


def upgrade() -> None:
    """Add the column; the table is not rewritten."""
    op.execute(DDL)
