"""The body of a search request: filters, words, order and page."""

from typing import Annotated

from pydantic import Field

from casework.api.inputs import Input, at_most
from casework.api.types import MAX_OFFSET, STORABLE, WHOLE, Moment
from casework.core.lifecycle import CaseStatus
from casework.core.model import MAX_LABEL, MAX_LABELS
from casework.core.search import MAX_QUERY
from casework.service.listing import SortBy, SortOrder
from casework.service.paging import MAX_CURSOR

MAX_STATUSES = 20
LabelText = Annotated[str, Field(max_length=MAX_LABEL), STORABLE]


class Filters(Input):
    """Which cases to find; different filters are ANDed."""

    status: Annotated[list[CaseStatus], at_most(MAX_STATUSES)] | None = None
    created_at_from: Moment | None = None
    created_at_to: Moment | None = None
    updated_at_from: Moment | None = None
    updated_at_to: Moment | None = None
    labels: Annotated[dict[LabelText, Annotated[list[LabelText], at_most(MAX_LABELS)]], at_most(MAX_LABELS)] | None = (
        Field(
            None,
            description="Label key to accepted values; values of one key are ORed, keys are ANDed. Plain tags use the key ''.",
        )
    )


class SearchCases(Input):
    """A search, its order and its page."""

    filters: Filters = Filters()
    search: str | None = Field(
        None,
        max_length=MAX_QUERY,
        description='Words, "quoted phrases" and -not, in title and data. A word finds what begins with it.',
    )
    limit: Annotated[int, Field(strict=True, ge=1, le=100), WHOLE] = 25
    offset: Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET), WHOLE] = 0
    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] | None = None
    sort_by: SortBy = SortBy.CREATED_AT
    sort_order: SortOrder = SortOrder.DESC
