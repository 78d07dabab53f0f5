"""Less is written for each case: its row says that it was created, and no row of its own; what changes as a run goes on
stands in no index of runs.

Events that earlier versions stored stay, and processes of those versions may go on: a case without the number has a stored
event.
"""

from alembic import op

revision = "0016"
down_revision = "0014"

DDL = """
ALTER TABLE cases ADD COLUMN created_event BIGINT;

CREATE OR REPLACE VIEW case_history AS
  SELECT id, case_id, type, reason, created_at, run_id, agent_id, human_request_id, changes, by_key, by_person
  FROM case_events
  UNION ALL
  SELECT created_event, id, 'created', NULL, created_at, NULL, NULL, NULL, NULL, NULL, NULL
  FROM cases WHERE created_event IS NOT NULL
  UNION ALL
  SELECT claimed_event, case_id, 'claimed', NULL, created_at, id, agent_id, NULL, NULL, NULL, NULL
  FROM runs WHERE claimed_event IS NOT NULL AND case_id IS NOT NULL
  UNION ALL
  SELECT completed_event, case_id, 'completed', reason, completed_at, id, agent_id, NULL, NULL, NULL, NULL
  FROM runs WHERE completed_event IS NOT NULL AND case_id IS NOT NULL;

ALTER TABLE runs ADD COLUMN ended_late_at TIMESTAMP WITH TIME ZONE;
UPDATE runs SET ended_late_at = completed_at
  WHERE completed_at > now() - interval '1 hour' AND completed_at > created_at + interval '1 min';
CREATE INDEX runs_ended_late ON runs (queue_id, ended_late_at) WHERE ended_late_at is not null;
DROP INDEX runs_ended;
"""


def upgrade() -> None:
    """Nothing rewrites its table. Building an index reads the runs once, and lets none of them be written meanwhile."""
    op.execute(DDL)
