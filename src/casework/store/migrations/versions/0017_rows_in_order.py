"""What changes together lies together in the rows of cases and runs.

An update on the same page writes to WAL what lies between the first and the last byte that changed. So what stays comes first, then
what a claim changes, and in it, what an end changes. For whom a case is reserved is said of those that wait, because nobody asks it
of others.

Cases that are completed have an index of lists for themselves: where all entries of a page have one size, it splits where new ones
come in, and not in halves.

A table that holds rows is left as it is, and works as before: to order its columns would write all of it again. So are tables on which
somebody was granted something, or that have triggers, or that views of others read.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

CASES = """
CREATE TABLE cases (
  id UUID NOT NULL PRIMARY KEY,
  queue_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ready_at TIMESTAMP WITH TIME ZONE NOT NULL,
  created_event BIGINT,
  priority SMALLINT DEFAULT 0 NOT NULL,
  handed_over BOOLEAN DEFAULT false NOT NULL,
  parked BOOLEAN DEFAULT false NOT NULL,
  title TEXT NOT NULL,
  data JSON NOT NULL,
  postponed_to TIMESTAMP WITH TIME ZONE,
  key TEXT,
  assigned_agent_id UUID,
  human_request_id UUID,
  line_id UUID,
  steps_of_run UUID,
  attempt INTEGER DEFAULT 0 NOT NULL,
  claimed_at TIMESTAMP WITH TIME ZONE,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  completed_at TIMESTAMP WITH TIME ZONE,
  status TEXT NOT NULL
    CONSTRAINT cases_status CHECK (status in ('claimed', 'completed', 'failed', 'needs_input', 'pending', 'postponed')),
  run_id UUID,
  run_agent_id UUID,
  lane SMALLINT GENERATED ALWAYS AS (
    case when status in ('pending') and run_id is not null then 0 when status in ('postponed') then 1
      when status in ('pending') then 4 - priority end
  ) STORED,
  reserved_for UUID GENERATED ALWAYS AS (
    case when status in ('pending', 'postponed')
      then coalesce(run_agent_id, assigned_agent_id, '00000000-0000-0000-0000-000000000000'::uuid) end
  ) STORED,
  CONSTRAINT cases_run_and_its_agent CHECK ((run_id is null) = (run_agent_id is null)),
  CONSTRAINT cases_bound_only_while_live CHECK (status in ('claimed', 'needs_input', 'pending') or run_id is null),
  CONSTRAINT cases_claimed_by_a_run CHECK (status not in ('claimed', 'needs_input') or run_id is not null),
  CONSTRAINT cases_human_request CHECK ((status in ('needs_input')) = (human_request_id is not null)),
  CONSTRAINT cases_postponed_to CHECK ((status in ('postponed')) = (postponed_to is not null)),
  CONSTRAINT cases_completed_at CHECK ((status in ('completed', 'failed')) = (completed_at is not null))
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX cases_bound ON cases (lower(status), queue_id, run_agent_id, claimed_at) WHERE run_agent_id is not null;
CREATE INDEX cases_claim ON cases (queue_id, reserved_for, lane, ready_at, id) WHERE lane is not null and not parked;
CREATE INDEX cases_due ON cases (ready_at) WHERE lane is not null and ready_at > created_at;
CREATE UNIQUE INDEX cases_key ON cases (queue_id, key) WHERE key is not null;
CREATE INDEX cases_line ON cases (parked, line_id, lane, ready_at, id) WHERE line_id is not null and lane is not null;
"""

RUNS = """
CREATE TABLE runs (
  id UUID NOT NULL PRIMARY KEY,
  case_id UUID,
  queue_id UUID NOT NULL,
  agent_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
  asked_wait_seconds DOUBLE PRECISION DEFAULT 0 NOT NULL,
  claimed_event BIGINT,
  attempt INTEGER NOT NULL,
  failures INTEGER DEFAULT 0 NOT NULL,
  refused_writes INTEGER DEFAULT 0 NOT NULL,
  send_count SMALLINT DEFAULT 1 NOT NULL,
  release_on_stop BOOLEAN DEFAULT false NOT NULL,
  reason TEXT,
  error TEXT,
  stop_requested_at TIMESTAMP WITH TIME ZONE,
  stop_deadline TIMESTAMP WITH TIME ZONE,
  ended_late_at TIMESTAMP WITH TIME ZONE,
  attempt_started_at TIMESTAMP WITH TIME ZONE,
  last_heartbeat_at TIMESTAMP WITH TIME ZONE,
  worker TEXT,
  started_at TIMESTAMP WITH TIME ZONE,
  status TEXT NOT NULL
    CONSTRAINT runs_status CHECK (status in ('completed', 'failed', 'interrupted', 'pending', 'running', 'waiting')),
  live BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running', 'waiting')) STORED NOT NULL,
  holds_slot BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running')) STORED NOT NULL,
  outcome TEXT,
  completed_at TIMESTAMP WITH TIME ZONE,
  completed_event BIGINT
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX runs_case ON runs (case_id, id);
CREATE INDEX runs_ended_late ON runs (queue_id, ended_late_at) WHERE ended_late_at is not null;
CREATE INDEX runs_queue ON runs (queue_id, id);
CREATE INDEX runs_stopping ON runs (queue_id, agent_id) WHERE stop_deadline is not null;
"""

HISTORY = """
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

IN_ORDER = f"""
LOCK TABLE cases, runs IN ACCESS EXCLUSIVE MODE;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM cases) AND NOT EXISTS (SELECT FROM runs)
    AND NOT EXISTS (
      SELECT FROM pg_class
      WHERE oid IN ('cases'::regclass, 'runs'::regclass, 'case_history'::regclass) AND (relacl IS NOT NULL OR relhastriggers)
    )
  THEN
    DROP VIEW case_history;
    DROP TABLE cases, runs;
    {CASES} {RUNS} {HISTORY}
  END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
END $$;
"""


LISTED = """
DROP INDEX IF EXISTS cases_listed;
CREATE INDEX cases_listed ON cases (queue_id, status, created_at, id) WHERE status not in ('claimed', 'completed');
CREATE INDEX cases_completed ON cases (queue_id, status, created_at, id) WHERE status = 'completed';
"""


def upgrade() -> None:
    """Only empty tables are made again. Building the indexes reads the table twice, and everybody waits meanwhile: about 3 s for a
    million cases. Together they are as large as the one that they replace, or smaller."""
    op.execute(IN_ORDER)
    op.execute(LISTED)
