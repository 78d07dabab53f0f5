"""A run keeps states of its own, and what its models have used."""

from alembic import op

revision = "0010"
down_revision = "0009"

DDL = """
CREATE TABLE run_state (
  run_id UUID NOT NULL,
  name TEXT NOT NULL,
  value BYTEA NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (run_id, name)
);

CREATE TABLE run_usage (
  run_id UUID NOT NULL,
  key TEXT NOT NULL,
  model TEXT,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  cost NUMERIC NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (run_id, key)
);
"""


def upgrade() -> None:
    """Make both tables, which are empty."""
    op.execute(DDL)
