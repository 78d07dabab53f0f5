"""Files of any content: each record is read, or is named as one that cannot be; nothing else is raised."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.cli.imports.csv_file import csv_records
from casework.cli.imports.json_file import json_records
from casework.cli.imports.opened import Opened
from casework.cli.imports.records import BadLine
from casework.cli.imports.shape import Shape, new_cases
from casework.cli.imports.sheet import sheet_records
from casework.core.model import NewCase
from casework.errors import InvalidInput

fuzz = settings(max_examples=300, derandomize=True, database=None, deadline=None)

JSON_PARTS = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    '"title"',
    '"data"',
    '"labels"',
    '"priority"',
    '"a"',
    "null",
    "1e400",
    "NaN",
    "-0",
    "9" * 5_000,
]
CSV_PARTS = [
    ",",
    ";",
    "\t",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    "title",
    "sep=;\n",
    "a",
    "\0",
    "\x1a",
    "\u2028",
    "\udc80",
    "\ufeff",
    "," * 6_000,
]
BYTES = st.binary(max_size=300) | st.sampled_from([b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"PK\x03\x04"]).flatmap(
    lambda mark: st.binary(max_size=50).map(lambda rest: mark + rest)
)


def texts(parts):
    return st.lists(st.sampled_from(parts) | st.text(max_size=5), max_size=30).map("".join)


PLAIN = Shape()


def imported(content, read, shape=PLAIN):
    """What an import makes of a file's bytes: cases and bad lines; or the one line with which it refuses the file."""
    file = Opened(io.BufferedReader(io.BytesIO(content)), len(content))
    try:
        found = list(new_cases(read(file), shape))
    except InvalidInput as error:
        assert 0 < len(str(error)) < 2_000
        return []
    for one in found:
        assert isinstance(one, BadLine) or isinstance(one[1], NewCase)
    return found


def csv(file):
    return csv_records(file.lines(None, lambda _: None), None)


def json(file):
    return json_records(file.lines(None, lambda _: None))


@fuzz
@given(texts(CSV_PARTS).map(lambda text: text.encode("utf-8", "surrogatepass")) | BYTES)
def test_any_csv_file_is_cases_and_bad_lines(content):
    imported(b"title,b\n" + content, csv)
    imported(content, csv, Shape(title="{title}"))


@fuzz
@given(texts(JSON_PARTS).map(lambda text: text.encode("utf-8", "surrogatepass")) | BYTES)
def test_any_json_file_is_cases_and_bad_lines(content):
    for beginning in (b"", b"[", b'{"title": "x"}\n', b'[{"title": '):
        imported(beginning + content, json)


@fuzz
@given(BYTES)
def test_any_workbook_is_cases_and_bad_lines(content):
    imported(content, lambda file: sheet_records(file.stream, None, lambda _: None))


def test_a_header_of_a_million_columns_is_refused_in_one_line():
    assert imported(b"," * 1_000_000 + b"\n1\n", csv) == []


def test_a_good_file_is_read_to_its_end():
    assert len(imported(b"title,b\none,1\ntwo,2\n", csv)) == 2
    assert len(imported(b'[{"title": "one"}, {"title": "two"}]', json)) == 2
