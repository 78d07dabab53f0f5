"""What keeps the service itself going: API keys, counters, repeated requests, processes."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from casework.core.model import CounterName
from casework.core.roles import Role
from casework.store.literals import listed
from casework.store.tables.columns import created, metadata, moment

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, CheckConstraint(f"role in ({listed(Role)})", name="api_keys_role"), nullable=False),
    Column("public", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    created(),
    moment("expires_at"),
    moment("revoked_at"),
    # The agents that a key of role agent works for. No foreign keys: agents are never removed, only marked as deleted.
    Column("agent_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    # Whether its holder may answer what runs ask, if the role may.
    Column("may_answer", Boolean, nullable=False, server_default=text("true")),
    moment("last_used_at"),
    Column("last_used_from", Text),
)

counters = Table(
    "counters",
    metadata,
    Column("queue_id", Uuid, primary_key=True),
    Column("name", Text, CheckConstraint(f"name in ({listed(CounterName)})", name="counters_name"), primary_key=True),
    Column("value", BigInteger, nullable=False),
    # Each addition finds room on its page.
    postgresql_with={"fillfactor": "50"},
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("response", JSON(none_as_null=True)),
    moment("created_at", nullable=False),
    # Old ones are forgotten.
    Index("idempotency_keys_age", "created_at"),
)

processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    moment("started_at", nullable=False),
    moment("seen_at", nullable=False),
    # Slots that agents hold which cannot be ended: threads.
    Column("lost_slots", Integer, nullable=False, server_default="0"),
)
