"""Sessions of the web page, and links that sign in once."""

from alembic import op

revision = "0011"
down_revision = "0010"

DDL = """
CREATE TABLE web_sessions (
  hash TEXT NOT NULL PRIMARY KEY,
  key_id UUID NOT NULL,
  person TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX web_sessions_age ON web_sessions (expires_at);

CREATE TABLE web_links (
  hash TEXT NOT NULL PRIMARY KEY,
  key_id UUID NOT NULL,
  person TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX web_links_age ON web_links (expires_at);
"""


def upgrade() -> None:
    """Create both tables."""
    op.execute(DDL)
