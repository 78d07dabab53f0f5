"""Queues, and who works on them."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from casework.core.model import AgentKind, QueueMode
from casework.store.literals import listed
from casework.store.tables.columns import created, metadata, moment

teams = Table(
    "teams",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    created(),
)

queues = Table(
    "queues",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column(
        "mode",
        Text,
        CheckConstraint(f"mode in ({listed(QueueMode)})", name="queues_mode"),
        nullable=False,
        server_default="active",
    ),
    created(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("team_id", "name", name="queues_name"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, CheckConstraint(f"kind in ({listed(AgentKind)})", name="agents_kind"), nullable=False),
    Column("target", Text),
    Column("max_attempts", Integer, CheckConstraint("max_attempts > 0", name="agents_max_attempts")),
    Column("timeout_seconds", Double, CheckConstraint("timeout_seconds > 0", name="agents_timeout_seconds")),
    # The group of workers that its runs need; "" for the workers without a group.
    Column("worker_group", Text, nullable=False, server_default=text("''")),
    created(),
    moment("deleted_at"),
    # A deleted agent keeps its row, because runs show its name; its name is free again.
    Index("agents_name", "team_id", "name", unique=True, postgresql_where=text("deleted_at is null")),
)

consumers = Table(
    "consumers",
    metadata,
    Column("queue_id", Uuid, ForeignKey("queues.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", Uuid, ForeignKey("agents.id"), primary_key=True),
    Column("trigger", Boolean, nullable=False),
    Column("concurrency", Integer, CheckConstraint("concurrency > 0", name="consumers_concurrency")),
    # Its share of the workers, beside the weights of others.
    Column(
        "weight", Double, CheckConstraint("weight > 0", name="consumers_weight"), nullable=False, server_default="1"
    ),
    # Whether a limit of the queue or the agent bounds its runs. Written under the lock that claims take.
    Column("limited", Boolean, nullable=False, server_default=text("false")),
    # No run of the consumer that was claimed before holds a slot.
    moment("slots_counted_since"),
    created(),
    # The queues of an agent that asks for work.
    Index("consumers_agent", "agent_id"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("queue_id", Uuid, ForeignKey("queues.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("color_hue", SmallInteger, nullable=False),
    created(),
    UniqueConstraint("queue_id", "key", "value", name="labels_name"),
)
