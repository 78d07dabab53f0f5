"""Cases and what belongs to them. Their checks and derived columns come from the lifecycle; migrations freeze them.

`cases.lane` and `cases.reserved_for` are generated from the status, for two reasons: nobody can forget to write them, and
the planner cannot take their partial indexes for a guard on a status.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from casework.core.lifecycle import LIFECYCLE, Lifecycle
from casework.core.model import RequestKind
from casework.core.requests import Decision, OnExpiry
from casework.store.bound import indexes_of_lists
from casework.store.literals import listed
from casework.store.tables import derived
from casework.store.tables.columns import VACUUMED, metadata, moment


# No foreign keys on cases, runs and events: they make a claim of 100 twice as expensive.
def cases_of(lifecycle: Lifecycle, metadata: MetaData) -> Table:
    """The table of cases that have this lifecycle."""
    return Table(
        "cases",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("queue_id", Uuid, nullable=False),
        moment("created_at", nullable=False),
        moment("ready_at", nullable=False),
        # The number in the history of the line that the case was created, if no row of case_events says it.
        Column("created_event", BigInteger),
        Column("priority", SmallInteger, nullable=False, server_default="0"),
        Column("handed_over", Boolean, nullable=False, server_default=text("false")),
        Column("parked", Boolean, nullable=False, server_default=text("false")),
        Column("title", Text, nullable=False),
        Column("data", JSON, nullable=False),
        moment("postponed_to"),
        Column("key", Text),
        Column("assigned_agent_id", Uuid),
        Column("human_request_id", Uuid),
        # The line of a limit that it came by, or, if it is parked, that it waits in; a parked case is in no lane's index.
        Column("line_id", Uuid),
        # The former run whose steps the next run starts with; null once that run has them.
        Column("steps_of_run", Uuid),
        # What follows changes as a case is claimed, and from `updated_at` to `status` as it ends.
        Column("attempt", Integer, nullable=False, server_default="0"),
        moment("claimed_at"),
        moment("updated_at", nullable=False),
        moment("completed_at"),
        Column("status", Text, derived.status_of_case(lifecycle), nullable=False),
        Column("run_id", Uuid),
        Column("run_agent_id", Uuid),
        Column("lane", SmallInteger, Computed(derived.lane(lifecycle), persisted=True)),
        # Of a case in a lane. Of others it may be null, and tables of earlier versions hold it for all.
        Column("reserved_for", Uuid, Computed(derived.reserved_for(lifecycle), persisted=True)),
        CheckConstraint("(run_id is null) = (run_agent_id is null)", name="cases_run_and_its_agent"),
        *derived.checks_of_case(lifecycle),
        # The claim's probe: one range scan for each lane, in pick-up order.
        Index(
            "cases_claim",
            "queue_id",
            "reserved_for",
            "lane",
            "ready_at",
            "id",
            postgresql_where=text("lane is not null and not parked"),
        ),
        # Cases under limits with keys: the heads of lines, and how many of a line stand in the lanes.
        Index(
            "cases_line",
            "parked",
            "line_id",
            "lane",
            "ready_at",
            "id",
            postgresql_where=text("line_id is not null and lane is not null"),
        ),
        # Cases that were set aside for a time, by when it is over: a tick sees which have come since the one before. A case that
        # is ready at once is not in it, so that it costs nothing.
        Index("cases_due", "ready_at", postgresql_where=text("lane is not null and ready_at > created_at")),
        # Who is bound to a run: the tick's count of used slots, the sweep, and lists, which read the same few rows. It stands here
        # and not on the runs because a case's end writes its row's indexes anyway, for the sake of lists.
        Index(
            "cases_bound",
            text("lower(status)"),
            "queue_id",
            "run_agent_id",
            "claimed_at",
            postgresql_where=text("run_agent_id is not null"),
        ),
        # Lists of a queue by time, with or without a status; counts by status: see `bound.listed_as`. Those that are completed
        # have an index of their own, because pages split where new entries come in, and not in halves, only if all entries of a
        # page have one size: with others beside them, each wrote 60 bytes more, and the index was twice as large.
        *(
            Index(name, "queue_id", "status", "created_at", "id", postgresql_where=text(condition))
            for name, condition in indexes_of_lists(lifecycle).items()
        ),
        # An import that is repeated adds nothing twice.
        Index("cases_key", "queue_id", "key", unique=True, postgresql_where=text("key is not null")),
        # A page has room for the next version of each row: at 80, three in four went to another page, and wrote 90 bytes more;
        # the table was as large.
        postgresql_with={"fillfactor": "45", **VACUUMED},
    )


cases = cases_of(LIFECYCLE, metadata)

case_events = Table(
    "case_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("reason", Text),
    moment("created_at", nullable=False),
    Column("run_id", Uuid),
    Column("agent_id", Uuid),
    Column("human_request_id", Uuid),
    # Fields with their old and new values.
    Column("changes", JSON(none_as_null=True)),
    # The person who did it, and the name of the API's key with which it was done.
    Column("by_key", Text),
    Column("by_person", Text),
    Index("case_events_case", "case_id", "id"),
)

human_requests = Table(
    "human_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column(
        "kind", Text, CheckConstraint(f"kind in ({listed(RequestKind)})", name="human_requests_kind"), nullable=False
    ),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("options", JSON, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    moment("created_at", nullable=False),
    moment("responded_at"),
    Column("responded_by", Text),
    moment("cancelled_at"),
    Column("action", JSON(none_as_null=True)),
    Column("schema", JSON(none_as_null=True)),
    Column("decisions", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("assignees", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("approvals_needed", SmallInteger, nullable=False, server_default="1"),
    # The first request of its group, if it has one.
    Column("group_id", Uuid),
    # Its place among the run's requests without keys.
    Column("position", Integer),
    Column("key", Text),
    moment("expires_at"),
    Column("on_expiry", Text, CheckConstraint(f"on_expiry in ({listed(OnExpiry)})", name="human_requests_on_expiry")),
    Column("default_answer", JSON(none_as_null=True)),
    Column("postpone_seconds", Double),
    moment("remind_at"),
    moment("reminded_at"),
    Column("decision", Text, CheckConstraint(f"decision in ({listed(Decision)})", name="human_requests_decision")),
    Column("arguments", JSON(none_as_null=True)),
    Column("message", Text),
    Column("by_key", Text),
    Column("by_person", Text),
    CheckConstraint("responded_at is null or cancelled_at is null", name="human_requests_ended_once"),
    # What a resumed run has been answered.
    Index("human_requests_run", "run_id", "id"),
    # The requests that wait for a person.
    Index("human_requests_open", "created_at", postgresql_where=text("responded_at is null and cancelled_at is null")),
    # A case that is deleted takes its requests along.
    Index("human_requests_case", "case_id"),
    # The open requests that expire, or of which people are reminded, by when that is due.
    Index(
        "human_requests_due",
        text("least(expires_at, remind_at)"),
        postgresql_where=text(
            "responded_at is null and cancelled_at is null and (expires_at is not null or remind_at is not null)"
        ),
    ),
)

# Approvals of requests that several people must approve; each has one.
human_request_votes = Table(
    "human_request_votes",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("voter", Text, primary_key=True),
    Column("message", Text),
    Column("by_key", Text),
    Column("by_person", Text),
    moment("created_at", nullable=False),
)

case_labels = Table(
    "case_labels",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("label_id", Uuid, ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True),
    # The cases of a label.
    Index("case_labels_label", "label_id", "case_id"),
)

# Beside the cases, because a claim writes a new version of its case's row, and every index of that row with it.
case_search = Table(
    "case_search",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("queue_id", Uuid, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    # Searches for words and the beginnings of words.
    Index("case_search_words", "words", postgresql_using="gin"),
)
