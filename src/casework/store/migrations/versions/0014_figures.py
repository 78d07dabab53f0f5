"""Figures of queues without reading whole tables: runs by the moment at which they ended, and cases by queue and status."""

from alembic import op

revision = "0014"
down_revision = "0013"

DDL = """
CREATE INDEX runs_ended ON runs (queue_id, completed_at) INCLUDE (status) WHERE completed_at IS NOT NULL;
CREATE STATISTICS cases_by_status (mcv) ON queue_id, status FROM cases;
"""


def upgrade() -> None:
    """Build the index, which reads the runs once and lets none of them be written meanwhile; the statistics are gathered
    by the next analyze."""
    op.execute(DDL)
