"""Labels of queues and their assignment to cases."""

import zlib
from collections.abc import Sequence
from uuid import UUID

from casework.core.model import CaseId, Label, LabelId, LabelRef, QueueId
from casework.store.database import Tx
from casework.store.ids import new_ids


def hue_of(key: str, value: str) -> int:
    """A colour, 0 to 359 degrees, that a label keeps wherever it is made."""
    return zlib.crc32(f"{key}\0{value}".encode()) % 360


def ensure(tx: Tx, queue_id: QueueId, wanted: Sequence[LabelRef]) -> dict[LabelRef, LabelId]:
    """The ids of these labels on a queue; those that are missing are created, in one order for all."""
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
    """
    found = tx.sql(select, values).all()
    if len(found) < len(refs):
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
    """Assign labels to cases; what is assigned already stays as it is. Returns how many assignments are new."""
    ids = ensure(tx, queue_id, [ref for _, refs in labelled for ref in refs])
    pairs = sorted({(case_id, ids[ref]) for case_id, refs in labelled for ref in refs})
    return tx.sql(
        "insert into case_labels (case_id, label_id) select * from unnest(%(cases)s::uuid[], %(labels)s::uuid[]) on conflict do nothing",
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
