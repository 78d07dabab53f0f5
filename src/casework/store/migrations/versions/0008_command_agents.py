"""An agent can be a command that workers start."""

from alembic import op

revision = "0008"
down_revision = "0007"

DDL = """
ALTER TABLE agents DROP CONSTRAINT agents_kind,
  ADD CONSTRAINT agents_kind CHECK (kind in ('command', 'pull', 'python'));
"""


def upgrade() -> None:
    """Allow the new kind; the table has a row for each agent, and is read once."""
    op.execute(DDL)
