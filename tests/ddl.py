"""The statements that make tables, for a transaction of casework's: it is not one of SQLAlchemy's."""

from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable


def create_all(tx: Any, metadata: MetaData) -> None:
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        for element in (CreateTable(table), *map(CreateIndex, table.indexes)):
            tx.sql(str(element.compile(dialect=dialect)).replace("%", "%%"))
