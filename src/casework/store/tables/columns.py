"""What several tables are made of."""

from sqlalchemy import Column, DateTime, MetaData, text

metadata = MetaData()

# Each case and run is written a few times and then left. By a fifth of the table, which is the default, a million cases
# would let 200 thousand dead ones gather at the front of the claim's index.
VACUUMED = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.05"}


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    """A column that holds a point in time."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def created() -> Column[object]:
    """The moment at which a row was inserted."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))
