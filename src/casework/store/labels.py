"""Labels of queues and their assignment to cases."""

import zlib
from collections.abc import Sequence
from uuid import UUID

from psycopg.errors import UniqueViolation

from casework.core.model import CaseId, CountedLabel, Label, LabelId, LabelRef, QueueId
from casework.errors import NameTaken
from casework.store.database import Tx
from casework.store.ids import new_id, new_ids


def hue_of(key: str, value: str) -> int:
    """A hue from 0 to 359 degrees, derived from the label, so that it is the same in every queue."""
    return zlib.crc32(f"{key}\0{value}".encode()) % 360


def ensure(tx: Tx, queue_id: QueueId, wanted: Sequence[LabelRef]) -> dict[LabelRef, LabelId]:
    """The ids of these labels on a queue; missing ones are created, always in the same order. They are locked, so that
    none is deleted before it is used; one that is deleted meanwhile is created again.
    """
    refs = sorted(set(wanted), key=lambda ref: (ref.key, ref.value))
    values = {
        "queue_id": queue_id,
        "ids": new_ids(len(refs)),
        "keys": [ref.key for ref in refs],
        "names": [ref.value for ref in refs],
        "hues": [hue_of(ref.key, ref.value) for ref in refs],
    }
    select = """
        select l.id, l.key, l.value from labels l
        join unnest(%(keys)s::text[], %(names)s::text[]) as n (key, value) on n.key = l.key and n.value = l.value
        where l.queue_id = %(queue_id)s
        order by l.id for key share of l
    """
    found = tx.sql(select, values).all()
    while len(found) < len(refs):
        tx.sql(
            """
            insert into labels (id, queue_id, key, value, color_hue)
            select id, %(queue_id)s, key, value, hue
            from unnest(%(ids)s::uuid[], %(keys)s::text[], %(names)s::text[], %(hues)s::smallint[]) as n (id, key, value, hue)
            order by key, value on conflict (queue_id, key, value) do nothing
            """,
            values,
        )
        found = tx.sql(select, values).all()
    return {LabelRef(row.value, row.key): LabelId(row.id) for row in found}


def assign(tx: Tx, queue_id: QueueId, labelled: Sequence[tuple[CaseId, Sequence[LabelRef]]]) -> int:
    """Assign labels to cases. Existing assignments are kept. Returns the number of new ones."""
    ids = ensure(tx, queue_id, [ref for _, refs in labelled for ref in refs])
    pairs = sorted(
        {(case_id, ids[ref]) for case_id, refs in labelled for ref in refs},
        key=lambda pair: (pair[0].bytes, pair[1].bytes),
    )
    return tx.sql(
        "insert into case_labels (case_id, label_id) select * from unnest(%(cases)b::uuid[], %(labels)b::uuid[]) on conflict do nothing",
        {"cases": [pair[0] for pair in pairs], "labels": [pair[1] for pair in pairs]},
    ).rowcount


def of_cases(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, tuple[Label, ...]]:
    """The labels of each case, by key and value."""
    rows = tx.sql(
        """
        select cl.case_id, l.id, l.key, l.value, l.color_hue from case_labels cl join labels l on l.id = cl.label_id
        where cl.case_id = any(%(ids)s::uuid[]) order by l.key, l.value
        """,
        {"ids": list(case_ids)},
    )
    found: dict[UUID, tuple[Label, ...]] = {}
    for row in rows:
        found[row.case_id] = (*found.get(row.case_id, ()), Label(LabelId(row.id), row.key, row.value, row.color_hue))
    return found


_COUNTED = """
select l.id, l.key, l.value, l.color_hue, (select count(*) from case_labels cl where cl.label_id = l.id) as case_count
from labels l where l.queue_id = %(queue_id)s
"""


def of_queue(tx: Tx, queue_id: QueueId, *, limit: int, offset: int) -> list[CountedLabel]:
    """The labels of a queue by key and value, with how many cases carry each."""
    rows = tx.sql(
        f"{_COUNTED} order by l.key, l.value limit %(limit)s offset %(offset)s",
        {"queue_id": queue_id, "limit": limit, "offset": offset},
    )
    return [CountedLabel(**row._asdict()) for row in rows]


def names(tx: Tx, queue_id: QueueId, limit: int) -> list[Label]:
    """The first labels of a queue by key and value, without the number of their cases."""
    rows = tx.sql(
        "select id, key, value, color_hue from labels where queue_id = %(queue_id)s order by key, value limit %(limit)s",
        {"queue_id": queue_id, "limit": limit},
    )
    return [Label(LabelId(row.id), row.key, row.value, row.color_hue) for row in rows]


def create(tx: Tx, queue_id: QueueId, ref: LabelRef, hue: int | None) -> CountedLabel:
    """The label, created if it does not exist."""
    values = {
        "queue_id": queue_id,
        "id": new_id(),
        "key": ref.key,
        "value": ref.value,
        "hue": hue_of(ref.key, ref.value) if hue is None else hue,
    }
    tx.sql(
        """
        insert into labels (id, queue_id, key, value, color_hue) values (%(id)s, %(queue_id)s, %(key)s, %(value)s, %(hue)s)
        on conflict (queue_id, key, value) do nothing
        """,
        values,
    )
    return CountedLabel(**tx.sql(f"{_COUNTED} and l.key = %(key)s and l.value = %(value)s", values).one()._asdict())


def change(tx: Tx, queue_id: QueueId, label_id: UUID, *, key: str | None, value: str, hue: int | None) -> Label | None:
    """Change a label; None if the queue has no label with that id. Raises NameTaken."""
    try:
        row = tx.sql(
            """
            update labels set key = coalesce(%(key)s, key), value = %(value)s, color_hue = coalesce(%(hue)s, color_hue)
            where id = %(id)s and queue_id = %(queue_id)s returning id, key, value, color_hue
            """,
            {"id": label_id, "queue_id": queue_id, "key": key, "value": value, "hue": hue},
        ).one_or_none()
    except UniqueViolation as error:
        raise NameTaken("Another label of the queue has that key and value.") from error
    return Label(**row._asdict()) if row else None


def delete(tx: Tx, queue_id: QueueId, label_id: UUID) -> bool:
    """Delete a label and its assignments; False if the queue has no label with that id."""
    return (
        tx.sql(
            "delete from labels where id = %(id)s and queue_id = %(queue_id)s", {"id": label_id, "queue_id": queue_id}
        ).rowcount
        == 1
    )


def unlink(tx: Tx, case_id: CaseId, label_ids: Sequence[UUID]) -> int:
    """Remove labels from a case; returns how many it had."""
    return tx.sql(
        "delete from case_labels where case_id = %(case_id)s and label_id = any(%(ids)s::uuid[])",
        {"case_id": case_id, "ids": list(label_ids)},
    ).rowcount
