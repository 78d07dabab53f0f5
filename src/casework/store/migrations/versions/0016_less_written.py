"""Less is written for each case.

That a case was created stands on its row, and not in a row of its own. Events that earlier versions stored stay, and processes
of those versions may go on: a case without the number has a stored event.

What changes as most runs go on stands in no index of runs, so that their start and their end are HOT updates: live runs are
found by the cases that are bound to them, and ended ones by their claim. Cases that are being worked on stand in no index of
lists, which they would leave again at once. A page has room for the versions that a row goes through; an update on the same page
writes to WAL only what lies between the first and the last byte that changed.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

# The strongest lock first: one that is made stronger later waits for transactions that wait for it.
CASES = """
LOCK TABLE cases, runs IN ACCESS EXCLUSIVE MODE;
CREATE INDEX cases_bound ON cases (lower(status), queue_id, run_agent_id, claimed_at) WHERE run_agent_id is not null;
CREATE INDEX cases_listed ON cases (queue_id, status, created_at, id) WHERE status not in ('claimed');
DROP INDEX cases_list;
ALTER TABLE cases SET (fillfactor = 45), ADD COLUMN created_event BIGINT;
"""

RUNS = """
DROP INDEX runs_ended;
DROP INDEX runs_one_live;
DROP INDEX runs_slots;
DROP VIEW case_history;
ALTER TABLE runs SET (fillfactor = 35), ADD COLUMN ended_late_at TIMESTAMP WITH TIME ZONE;
"""

# What the start and the end of a run change comes to lie together. Only where there is no run: a table of many would be
# written anew, and its updates write 150 bytes more for each run as they are.
TOGETHER = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM runs) THEN
    ALTER TABLE runs
      DROP COLUMN live,
      DROP COLUMN holds_slot,
      DROP COLUMN status,
      DROP COLUMN outcome,
      DROP COLUMN worker,
      DROP COLUMN started_at,
      DROP COLUMN attempt_started_at,
      DROP COLUMN last_heartbeat_at,
      DROP COLUMN completed_at,
      DROP COLUMN completed_event;
    ALTER TABLE runs
      ADD COLUMN started_at TIMESTAMP WITH TIME ZONE,
      ADD COLUMN attempt_started_at TIMESTAMP WITH TIME ZONE,
      ADD COLUMN last_heartbeat_at TIMESTAMP WITH TIME ZONE,
      ADD COLUMN worker TEXT,
      ADD COLUMN status TEXT NOT NULL
        CONSTRAINT runs_status CHECK (status in ('completed', 'failed', 'interrupted', 'pending', 'running', 'waiting')),
      ADD COLUMN live BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running', 'waiting')) STORED NOT NULL,
      ADD COLUMN holds_slot BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running')) STORED NOT NULL,
      ADD COLUMN outcome TEXT,
      ADD COLUMN completed_at TIMESTAMP WITH TIME ZONE,
      ADD COLUMN completed_event BIGINT;
  END IF;
END $$;
"""

FOUND = """
UPDATE runs SET ended_late_at = completed_at
  WHERE completed_at > now() - interval '1 hour' AND completed_at > created_at + interval '1 min';
UPDATE runs SET stop_deadline = NULL WHERE stop_deadline IS NOT NULL AND NOT live;
CREATE INDEX runs_ended_late ON runs (queue_id, ended_late_at) WHERE ended_late_at is not null;
CREATE INDEX runs_stopping ON runs (queue_id, agent_id) WHERE stop_deadline is not null;

CREATE VIEW case_history AS
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
"""


def upgrade() -> None:
    """Tables that hold rows are not rewritten. Building an index reads its table once, and everybody waits meanwhile: about 3 s for
    a million cases. The index of lists is as large as the one that it replaces, the others hold few rows."""
    for step in (CASES, RUNS, TOGETHER, FOUND):
        op.execute(step)
