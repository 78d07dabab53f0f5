"""The history of a case as a view: that a run claimed its case, and that it completed it, stands on the run's row.

Two of the three events of a case that is simply done were copies of it: a third of what such a case wrote. The run keeps
the numbers that these events would have, so that the history has its order and its ids. Events that earlier versions
stored stay, and workers of those versions may go on: a run without the number has a stored event.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

DDL = """
ALTER TABLE runs ADD COLUMN claimed_event BIGINT;
ALTER TABLE runs ADD COLUMN completed_event BIGINT;

CREATE VIEW case_history AS
  SELECT id, case_id, type, reason, created_at, run_id, agent_id, human_request_id, changes FROM case_events
  UNION ALL
  SELECT claimed_event, case_id, 'claimed', NULL, created_at, id, agent_id, NULL, NULL
  FROM runs WHERE claimed_event IS NOT NULL AND case_id IS NOT NULL
  UNION ALL
  SELECT completed_event, case_id, 'completed', reason, completed_at, id, agent_id, NULL, NULL
  FROM runs WHERE completed_event IS NOT NULL AND case_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the columns and the view; nothing rewrites its table."""
    op.execute(DDL)
