"""A request to people has an action, a schema, decisions, assignees, a group and an expiry; history says who did what."""

from alembic import op

revision = "0009"
down_revision = "0008"

DDL = """
ALTER TABLE human_requests
  ADD COLUMN action JSON,
  ADD COLUMN schema JSON,
  ADD COLUMN decisions TEXT[] NOT NULL DEFAULT '{}',
  ADD COLUMN assignees TEXT[] NOT NULL DEFAULT '{}',
  ADD COLUMN approvals_needed SMALLINT NOT NULL DEFAULT 1,
  ADD COLUMN group_id UUID,
  ADD COLUMN position INTEGER,
  ADD COLUMN key TEXT,
  ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN on_expiry TEXT
    CONSTRAINT human_requests_on_expiry CHECK (on_expiry in ('continue', 'default', 'fail', 'postpone')),
  ADD COLUMN default_answer JSON,
  ADD COLUMN postpone_seconds DOUBLE PRECISION,
  ADD COLUMN remind_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN reminded_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN decision TEXT
    CONSTRAINT human_requests_decision CHECK (decision in ('approve', 'edit', 'expired', 'reject', 'respond')),
  ADD COLUMN arguments JSON,
  ADD COLUMN message TEXT,
  ADD COLUMN by_key TEXT,
  ADD COLUMN by_person TEXT,
  DROP CONSTRAINT human_requests_kind,
  ADD CONSTRAINT human_requests_kind CHECK (kind in ('approval', 'form', 'question'));

CREATE INDEX human_requests_due ON human_requests (least(expires_at, remind_at))
  WHERE responded_at is null and cancelled_at is null and (expires_at is not null or remind_at is not null);

CREATE TABLE human_request_votes (
  request_id UUID NOT NULL,
  voter TEXT NOT NULL,
  message TEXT,
  by_key TEXT,
  by_person TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (request_id, voter)
);

ALTER TABLE case_events ADD COLUMN by_key TEXT, ADD COLUMN by_person TEXT;

CREATE OR REPLACE VIEW case_history AS
  SELECT id, case_id, type, reason, created_at, run_id, agent_id, human_request_id, changes, by_key, by_person
  FROM case_events
  UNION ALL
  SELECT claimed_event, case_id, 'claimed', NULL, created_at, id, agent_id, NULL, NULL, NULL, NULL
  FROM runs WHERE claimed_event IS NOT NULL AND case_id IS NOT NULL
  UNION ALL
  SELECT completed_event, case_id, 'completed', reason, completed_at, id, agent_id, NULL, NULL, NULL, NULL
  FROM runs WHERE completed_event IS NOT NULL AND case_id IS NOT NULL;

ALTER TABLE api_keys
  ADD COLUMN may_answer BOOLEAN NOT NULL DEFAULT true,
  DROP CONSTRAINT api_keys_role,
  ADD CONSTRAINT api_keys_role CHECK (role in ('admin', 'agent', 'approver', 'operator', 'reader'));
"""


def upgrade() -> None:
    """Add the columns; none rewrites its table. The checks read the tables of requests and of keys once."""
    op.execute(DDL)
