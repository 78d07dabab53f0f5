"""The records of a JSON file: an object in each line, or one array of objects."""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from casework.cli.imports.records import BadLine, Record
from casework.core.payload import refuse_constant
from casework.errors import InvalidInput

MAX_ARRAY_CHARACTERS = 256 * 1024 * 1024

_KINDS = {dict: "object", list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


def json_records(lines: Iterable[str]) -> Iterator[Record | BadLine]:
    """The records, each with its line number. Raises InvalidInput if the file holds none."""
    numbered = ((number, line) for number, line in enumerate(lines, 1))
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        raise InvalidInput("The file is empty: write one JSON object in each line, or an array of objects.")
    if first[1].strip() == "{":
        raise InvalidInput(
            "The file is one JSON object over several lines: write one object in each line, or an array of objects."
        )
    whole = chain([first], numbered)
    yield from _array(first[0], _whole(whole)) if _opens_array(first[1]) else _json_lines(whole)


def _opens_array(line: str) -> bool:
    """Whether the line begins an array of objects, and not an array that is one line."""
    text = line.strip()
    if not text.startswith("["):
        return False
    return text[1:].lstrip()[:1] in ("", "{", "]")


def _json_lines(numbered: Iterable[tuple[int, str]]) -> Iterator[Record | BadLine]:
    objects = _Objects()
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            record = objects.decoder.decode(line)
        except (ValueError, RecursionError) as error:
            yield BadLine(number, _json_reason(error))
            objects.forget()
            continue
        yield objects.record(number, record)


def _array(first: int, text: str) -> Iterator[Record | BadLine]:
    """The elements of one array. If one cannot be read, it is reported, and the rest is not read."""
    objects = _Objects()
    breaks = [found.start() for found in re.finditer("\n", text)]
    at, sign = _skip(text, 0), "["
    while text.startswith(sign, at):
        at = _skip(text, at + 1)
        if sign == "[" and text.startswith("]", at):
            break
        line = first + bisect_left(breaks, at)
        try:
            value, end = objects.any_number.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield BadLine(line, f"{_json_reason(error)}; what follows was not read")
            return
        yield objects.record(line, value)
        at, sign = _skip(text, end), ","
    line = first + bisect_left(breaks, at)
    if not text.startswith("]", at):
        yield BadLine(line, "the array should go on with a comma, or end; what follows was not read")
    elif text[at + 1 :].strip():
        yield BadLine(line, "there is text after the end of the array; it was not read")


def _skip(text: str, at: int) -> int:
    found = _NOT_SPACE.search(text, at)
    return found.start() if found else len(text)


def _whole(numbered: Iterable[tuple[int, str]]) -> str:
    parts, size = [], 0
    for _, line in numbered:
        parts.append(line)
        size += len(line)
        if size > MAX_ARRAY_CHARACTERS:
            raise InvalidInput("The JSON array is longer than 256 MiB: write one object in each line instead.")
    return "".join(parts)


def _json_reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"it is not JSON: {f'{error.msg} at character {error.colno}' if isinstance(error, json.JSONDecodeError) else error}"


class _Objects:
    """Makes objects, and remembers a name that one of them has twice: a decoder would keep the last and lose the others."""

    def __init__(self) -> None:
        self._twice: str | None = None
        self.decoder = json.JSONDecoder(parse_constant=refuse_constant, object_pairs_hook=self._make)
        self.any_number = json.JSONDecoder(object_pairs_hook=self._make)
        """For arrays: NaN is refused when the case is made, so that the rest of the array can be read."""

    def _make(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            self._twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return made

    def forget(self) -> None:
        """Of a value that could not be decoded to its end."""
        self._twice = None

    def record(self, number: int, value: Any) -> Record | BadLine:
        """The record, if the value that was decoded last is one."""
        twice = self._twice
        self.forget()
        if twice is not None:
            return BadLine(number, f"it has {twice!r} twice")
        if isinstance(value, dict):
            return number, value
        return BadLine(number, f"it is a JSON {_KINDS.get(type(value), 'null')}, not an object")


_NOT_SPACE = re.compile(r"\S")
