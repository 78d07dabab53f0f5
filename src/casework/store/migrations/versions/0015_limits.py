"""Limits over queues, over agents, and for each value of a key."""

from alembic import op

revision = "0015"
down_revision = "0014"

DDL = """
CREATE TABLE limits (
  id UUID NOT NULL PRIMARY KEY,
  queue_id UUID REFERENCES queues (id) ON DELETE CASCADE,
  agent_id UUID REFERENCES agents (id),
  key TEXT,
  concurrency INTEGER CONSTRAINT limits_concurrency CHECK (concurrency > 0),
  rate_count INTEGER CONSTRAINT limits_rate_count CHECK (rate_count > 0),
  rate_seconds DOUBLE PRECISION CONSTRAINT limits_rate_seconds CHECK (rate_seconds > 0),
  rate_burst INTEGER CONSTRAINT limits_rate_burst CHECK (rate_burst > 0),
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT limits_bind_something CHECK (queue_id is not null or agent_id is not null),
  CONSTRAINT limits_say_something CHECK (concurrency is not null or rate_count is not null),
  CONSTRAINT limits_rate CHECK (num_nulls(rate_count, rate_seconds, rate_burst) in (0, 3))
);
CREATE UNIQUE INDEX limits_scope ON limits (
  coalesce(queue_id, '00000000-0000-0000-0000-000000000000'::uuid), coalesce(agent_id, '00000000-0000-0000-0000-000000000000'::uuid), coalesce(key, '')
);
CREATE TABLE limit_lines (
  id UUID NOT NULL PRIMARY KEY,
  limit_id UUID NOT NULL REFERENCES limits (id) ON DELETE CASCADE,
  value TEXT NOT NULL,
  paid_until TIMESTAMP WITH TIME ZONE,
  next_at TIMESTAMP WITH TIME ZONE
) WITH (fillfactor = 70);
CREATE INDEX limit_lines_limit ON limit_lines (limit_id);
CREATE INDEX limit_lines_next ON limit_lines (next_at) WHERE next_at is not null;
CREATE TABLE limit_holds (
  line_id UUID NOT NULL REFERENCES limit_lines (id) ON DELETE CASCADE,
  run_id UUID NOT NULL,
  attempt INTEGER NOT NULL,
  PRIMARY KEY (line_id, run_id)
);
ALTER TABLE consumers ADD COLUMN limited BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE cases ADD COLUMN line_id UUID, ADD COLUMN parked BOOLEAN DEFAULT false NOT NULL;
DROP INDEX cases_claim;
CREATE INDEX cases_claim ON cases (queue_id, reserved_for, lane, ready_at, id) WHERE lane is not null and not parked;
CREATE INDEX cases_line ON cases (parked, line_id, lane, ready_at, id) WHERE line_id is not null and lane is not null;
"""


def upgrade() -> None:
    """Constants as defaults: no table is rewritten. Building the indexes reads the cases, and holds back writes to them."""
    op.execute(DDL)
