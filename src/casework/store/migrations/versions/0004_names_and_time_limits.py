"""Columns are named after what they hold; an attempt knows when it started, and a process how many slots it lost."""

from alembic import op

revision = "0004"
down_revision = "0003"

DDL = """
ALTER TABLE cases RENAME COLUMN claim_for TO reserved_for;
ALTER TABLE consumers RENAME COLUMN counted_from TO slots_counted_since;
ALTER TABLE runs RENAME COLUMN sends TO send_count;
ALTER TABLE runs RENAME COLUMN alive_at TO last_heartbeat_at;
ALTER TABLE runs RENAME COLUMN stop_releases TO release_on_stop;

ALTER TABLE runs ADD COLUMN attempt_started_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE processes ADD COLUMN lost_slots INTEGER DEFAULT 0 NOT NULL;
"""


def upgrade() -> None:
    """Rename and add; nothing rewrites its table."""
    op.execute(DDL)
