"""Workers say what they can begin, agents may need a group of workers, and consumers have weights."""

from alembic import op

revision = "0012"
down_revision = "0011"

DDL = """
ALTER TABLE processes ADD COLUMN slots INTEGER DEFAULT 0 NOT NULL,
  ADD COLUMN worker_group TEXT DEFAULT '' NOT NULL,
  ADD COLUMN cannot_run JSON DEFAULT '{}' NOT NULL;
ALTER TABLE agents ADD COLUMN worker_group TEXT DEFAULT '' NOT NULL;
ALTER TABLE consumers ADD COLUMN weight DOUBLE PRECISION DEFAULT 1 NOT NULL,
  ADD CONSTRAINT consumers_weight CHECK (weight > 0);
CREATE INDEX consumers_agent ON consumers (agent_id);
CREATE INDEX cases_due ON cases (ready_at) WHERE lane is not null and ready_at > created_at;
"""


def upgrade() -> None:
    """Constants as defaults: no table is rewritten. Building the index reads the cases once, and holds back writes to them."""
    op.execute(DDL)
