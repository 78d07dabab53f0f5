"""Turns records into cases."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from casework.cli.case_inputs import read_when
from casework.cli.imports.header import same_named
from casework.cli.imports.records import BadLine, Record, nearest, quoted
from casework.cli.imports.template import columns, fill, text_of
from casework.core.model import LabelRef, NewCase, Priority
from casework.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Shape:
    """How a record becomes a case: templates for title, priority and when it is ready, columns for labels and key."""

    title: str | None = None
    labels: tuple[str, ...] = ()
    priority: str = "none"
    key: str | None = None
    ready_at: str | None = None

    def columns(self) -> set[str]:
        """The columns that the options name. Raises InvalidInput for a malformed template."""
        named = columns(self.title or "") | columns(self.priority) | columns(self.ready_at or "") | set(self.labels)
        return named | ({self.key} if self.key else set())

    def case(self, record: Mapping[str, Any]) -> NewCase:
        """The case of a record. Raises InvalidInput."""
        if self.title is None:
            return self._own_case(record)
        return NewCase(
            fill(self.title, record),
            dict(record),
            self._labels(record),
            _priority(fill(self.priority, record)),
            self._key(record),
            _when(fill(self.ready_at or "", record)),
        )

    def _own_case(self, record: Mapping[str, Any]) -> NewCase:
        """A record that already is a case, with a title and optionally data, labels, priority, ready_at and key."""
        _check_names(record)
        priority = fill(self.priority, record) if self.priority != "none" else _own_text(record, "priority") or "none"
        whole = "data" in record
        data = record["data"] if whole else {name: value for name, value in record.items() if name not in _CASE_FIELDS}
        return NewCase(
            _own_text(record, "title") or "",
            data,
            _own_labels(record.get("labels")) + self._labels(record),
            _priority(priority),
            self._key(record) or (_own_text(record, "key") if whole else None),
            _when(fill(self.ready_at, record) if self.ready_at else _own_text(record, "ready_at") or ""),
        )

    def _labels(self, record: Mapping[str, Any]) -> tuple[LabelRef, ...]:
        """A repeated column gives a label for each of its values."""
        texts = ((name, text_of(record, column)) for name in self.labels for column in same_named(record, name))
        return tuple(LabelRef(text, name) for name, text in dict.fromkeys(texts) if text)

    def _key(self, record: Mapping[str, Any]) -> str | None:
        if not self.key:
            return None
        text = text_of(record, self.key)
        if not text:
            raise InvalidInput(f"its key, {self.key!r}, is empty")
        return text


_CASE_FIELDS = ("title", "labels", "priority", "ready_at")
_WHOLE_CASE_FIELDS = (*_CASE_FIELDS, "data", "key")


_SURELY_MEANT = 0.8
"""If a record has its own data, a name that is this similar to a field of a case counts as a misspelling."""


def _check_names(record: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a name that is nearly a field of a case. If there is `data`, every unknown name is an
    error."""
    if "title" not in record:
        raise InvalidInput(f"it has no title{nearest('title', record) or '.'} Give --title 'TEXT with {{column}}'")
    if "data" in record:
        for name in record.keys() - set(_WHOLE_CASE_FIELDS):
            near = nearest(name, _WHOLE_CASE_FIELDS) or f"; it has {quoted(_WHOLE_CASE_FIELDS)}"
            raise InvalidInput(f"a case has no field {name!r}{near}")
        return
    for name in record:
        if name not in _CASE_FIELDS and (near := nearest(name, _CASE_FIELDS, _SURELY_MEANT)):
            raise InvalidInput(f"a case has no field {name!r}{near} If it is data, give --title '{{title}}'")


def _own_text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if isinstance(value, bool | list | dict) or (value is None and name in record):
        raise InvalidInput(f"its {name} is {_kind(value)}; it must be text")
    return None if value is None else str(value)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")


def _own_labels(given: Any) -> tuple[LabelRef, ...]:
    """Labels from texts, or from objects with value and key."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidInput(
            f"its labels are {_kind(given) if not isinstance(given, str) else 'text'}; they must be a list"
        )
    return tuple(_own_label(one) for one in given)


def _own_label(given: Any) -> LabelRef:
    if isinstance(given, str):
        return LabelRef(given)
    if not isinstance(given, dict):
        raise InvalidInput(f"a label is {_kind(given)}; it must be an object with key and value")
    for name in given:
        if name not in ("key", "value"):
            raise InvalidInput(
                f"a label has no field {name!r}{nearest(name, ('key', 'value')) or '; it has key and value'}"
            )
    if "value" not in given:
        raise InvalidInput("a label has no value")
    return LabelRef(_own_text(given, "value") or "", _own_text(given, "key") or "")


def _priority(text: str) -> Priority:
    try:
        return Priority(text.strip().lower() or "none")
    except ValueError:
        raise InvalidInput(f"its priority is {text!r}; it can be {', '.join(Priority)}") from None


def _when(text: str) -> timedelta | datetime | None:
    """When the case is ready; at once if nothing is given."""
    return read_when(text.strip()) if text.strip() else None


def new_cases(records: Iterable[Record | BadLine], shape: Shape) -> Iterator[tuple[int, NewCase] | BadLine]:
    """The cases of the records, each with its line. Raises InvalidInput if the first record lacks a named column."""
    wanted = shape.columns()
    first = True
    for record in records:
        if isinstance(record, BadLine):
            yield record
            continue
        number, fields = record
        if first and (missing := wanted - set(fields)):
            name = min(missing)
            raise InvalidInput(
                f"The file has no column {name!r}{nearest(name, fields) or '.'} It has {quoted(fields)}."
            )
        first = False
        try:
            yield number, shape.case(fields)
        except InvalidInput as error:
            yield BadLine(number, _reason(str(error), fields))


def _reason(text: str, fields: Mapping[str, Any]) -> str:
    """Bytes that are not in the file's encoding were read as lone surrogates of one range."""
    if "surrogate" in text and re.search(r"\\udc[89a-f]", repr(fields)):
        return "it has bytes that are not in the file's encoding; give --encoding"
    return text
