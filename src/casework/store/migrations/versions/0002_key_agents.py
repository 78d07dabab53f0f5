"""Keys of role agent name the agents that they work for, and all keys say when they were last used."""

from alembic import op

revision = "0002"
down_revision = "0001"

DDL = """
ALTER TABLE api_keys ADD COLUMN agent_ids UUID[] DEFAULT '{}' NOT NULL;
ALTER TABLE api_keys ADD COLUMN last_used_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE api_keys ADD COLUMN last_used_from TEXT;
"""

# A key of role agent could work for every agent of its team. It goes on with those that exist now, so that nothing that
# runs is cut off, and gets none of those that are created later.
KEPT = """
UPDATE api_keys k SET agent_ids = array(
  SELECT a.id FROM agents a WHERE a.team_id = k.team_id AND a.kind = 'pull' AND a.deleted_at IS NULL ORDER BY a.id
)
WHERE k.role = 'agent' AND k.revoked_at IS NULL
"""


def upgrade() -> None:
    """Add the columns, and name the agents that the keys of role agent serve today."""
    op.execute(DDL)
    op.execute(KEPT)
