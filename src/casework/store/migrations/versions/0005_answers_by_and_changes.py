"""A request knows who answered it, and a line of history what was changed from what to what."""

from alembic import op

revision = "0005"
down_revision = "0004"

DDL = """
ALTER TABLE human_requests ADD COLUMN responded_by TEXT;
ALTER TABLE case_events ADD COLUMN changes JSON;
"""


def upgrade() -> None:
    """Add both columns; neither rewrites its table."""
    op.execute(DDL)
