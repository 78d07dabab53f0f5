"""Reads what a person types about cases: data, labels, filters."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from casework.core.duration import parse_when
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, LabelRef
from casework.core.payload import refuse_constant
from casework.core.statuses import read_statuses
from casework.errors import InvalidInput


def read_data(data: str | None, text: str | None) -> Any:
    """The data of a case, from JSON, from standard input for `-`, or plain. Raises InvalidInput."""
    if data is not None and text is not None:
        raise InvalidInput("Give --data or --text, not both.")
    if data is None:
        return text or ""
    return read_json("--data", data, " For plain text use --text.")


def read_json(option: str, given: str, hint: str = "") -> Any:
    """JSON, from standard input for `-`. Raises InvalidInput."""
    try:
        return json.loads(sys.stdin.read() if given == "-" else given, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, character {error.colno}"
        raise InvalidInput(f"{option} is not JSON: {error.msg} in {where}.{hint}") from None
    except RecursionError:
        raise InvalidInput(f"{option} is nested too deeply.") from None
    except ValueError as error:
        raise InvalidInput(f"{option} is not JSON: {error}.") from None


def read_label(text: str) -> LabelRef:
    """A label, from `value` or `key=value`. Raises InvalidInput."""
    key, separator, value = text.partition("=")
    return LabelRef(value, key) if separator else LabelRef(text)


def read_labels(texts: Iterable[str] | None) -> tuple[LabelRef, ...]:
    """Labels, as `read_label` reads each."""
    return tuple(map(read_label, texts or ()))


def read_when(text: str) -> timedelta | datetime:
    """A time from now such as "2h", or a moment; one without a zone is in the local zone. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return parse_when(text)
        except InvalidInput as error:
            raise InvalidInput(f'{error} A moment is written like "2026-12-01 09:00".') from None
    return parse_when(moment if moment.tzinfo else moment.astimezone())


def read_filter(status: str, label: Iterable[str] | None, title: str | None, search: str | None = None) -> CaseFilter:
    """A filter, from comma-separated statuses, labels (those of one key are ORed), a title and words. Raises
    InvalidInput."""
    labels: dict[str, tuple[str, ...]] = {}
    for one in read_labels(label):
        labels[one.key] = (*labels.get(one.key, ()), one.value)
    return CaseFilter(read_statuses(CaseStatus, status, "--status"), labels, title, search)
