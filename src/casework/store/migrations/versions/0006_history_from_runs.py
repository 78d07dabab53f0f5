"""The history of a case as a view: that a run claimed its case, and that it completed it, stands on the run's row.

Two of the three events of a case that is simply done were copies of it: a third of what such a case wrote. Events that
earlier versions stored stay, and hide what the run would say.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

# `place` puts in order what has the same moment.
DDL = """
CREATE VIEW case_history AS
  SELECT e.id::text AS id, e.case_id, e.type, e.reason, e.created_at, e.run_id, e.agent_id, e.human_request_id, e.changes,
    CASE e.type WHEN 'created' THEN 0 ELSE 2 END AS place, e.id AS position
  FROM case_events e
  UNION ALL
  SELECT r.id || '-claimed', r.case_id, 'claimed', NULL, r.created_at, r.id, r.agent_id, NULL, NULL, 1, 0
  FROM runs r
  WHERE r.case_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM case_events e WHERE e.case_id = r.case_id AND e.run_id = r.id AND e.type IN ('claimed', 'handover')
  )
  UNION ALL
  SELECT r.id || '-completed', r.case_id, 'completed', r.reason, greatest(r.completed_at, r.claimed_at), r.id, r.agent_id, NULL, NULL, 3, 0
  FROM runs r
  WHERE r.outcome = 'completed' AND r.case_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM case_events e WHERE e.case_id = r.case_id AND e.run_id = r.id AND e.type = 'completed'
  );
"""


def upgrade() -> None:
    """Create the view; no table changes."""
    op.execute(DDL)
