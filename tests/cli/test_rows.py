"""Reading files of records: what is good goes in, what is bad is named by its line."""

import pytest

from casework.cli.rows import BadLine, Shape, csv_records, fill, json_records, new_cases
from casework.core.model import LabelRef, Priority
from casework.errors import InvalidInput


def lines(text):
    return text.splitlines(keepends=True)


def read(text, delimiter=None):
    return list(csv_records(lines(text), delimiter))


def test_quotes_commas_and_line_breaks_inside_fields():
    assert read('a,b\n1,"x, ""y"""\n2,"two\nlines"\n3,z\n') == [
        (2, {"a": "1", "b": 'x, "y"'}),
        (3, {"a": "2", "b": "two\nlines"}),
        (5, {"a": "3", "b": "z"}),
    ]


def test_a_wrong_number_of_fields_is_named():
    assert read("a,b\n1\n1,2\n1,2,3\n\n") == [
        BadLine(2, "it has 1 fields, and the header has 2"),
        (3, {"a": "1", "b": "2"}),
        BadLine(4, "it has 3 fields, and the header has 2"),
    ]


def test_a_quote_that_is_never_closed_costs_one_line():
    found = read('a,b\n1,x\n2,"open\n3,y\n4,z\n')
    assert found == [
        (2, {"a": "1", "b": "x"}),
        BadLine(3, "a quoted field does not end"),
        (4, {"a": "3", "b": "y"}),
        (5, {"a": "4", "b": "z"}),
    ]


def test_an_open_quote_that_meets_a_later_one_costs_one_line():
    found = read('a,b\n1,"open\n2,"closed"\n3,z\n')
    assert [one for one in found if isinstance(one, BadLine)][0].line == 2
    assert (3, {"a": "2", "b": "closed"}) in found
    assert (4, {"a": "3", "b": "z"}) in found


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(delimiter):
    assert read(f"a{delimiter}b\n1{delimiter}2,5\n") == [(2, {"a": "1", "b": "2,5"})]


def test_windows_line_ends():
    assert read("a,b\r\n1,2\r\n") == [(2, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("a,a\n", "two columns named 'a'"), ('"a\n', "header")])
def test_a_bad_header_is_one_error(text, reason):
    with pytest.raises(InvalidInput, match=reason):
        read(text)


def test_json_lines():
    found = list(json_records(['{"a": 1}\n', "\n", "[1]\n", "{bad\n", '{"a": NaN}\n', '{"a": 2}']))
    assert found[0] == (1, {"a": 1})
    assert [(one.line, one.reason.split(":")[0]) for one in found[1:4]] == [
        (3, "it is a JSON list, not an object"),
        (4, "it is not JSON"),
        (5, "it is not JSON"),
    ]
    assert found[4] == (6, {"a": 2})


def test_the_shape_makes_a_case():
    shape = Shape("Complaint {id}: {what}", ("city", "empty"), "{urgency}", "id")
    ((number, case),) = new_cases(
        [(7, {"id": "1", "what": "noise", "city": "Queens", "empty": "", "urgency": "High"})], shape
    )
    assert number == 7
    assert (case.title, case.labels, case.priority, case.key) == (
        "Complaint 1: noise",
        (LabelRef("Queens", "city"),),
        Priority.HIGH,
        "1",
    )
    assert case.data["what"] == "noise"


def test_a_record_can_be_a_case_itself():
    ((_, case),) = new_cases(
        [(1, {"title": "t", "data": [1], "labels": [{"key": "k", "value": "v"}], "priority": "medium"})], Shape()
    )
    assert (case.title, case.data, case.labels, case.priority) == ("t", [1], (LabelRef("v", "k"),), Priority.MEDIUM)


def test_what_is_not_a_tidy_record_is_a_bad_line():
    records = [
        (1, {"title": "ok"}),
        (2, {"title": ""}),
        (3, {"no": 1}),
        (4, {"title": "x", "priority": "urgent"}),
        (5, {"title": "a\0"}),
    ]
    found = list(new_cases(records, Shape()))
    assert [one.line for one in found if isinstance(one, BadLine)] == [2, 3, 4, 5]


def test_a_column_that_the_file_lacks_is_one_error():
    with pytest.raises(InvalidInput, match="no column 'nope'; it has 'a'"):
        list(new_cases([(2, {"a": "1"})], Shape("{nope}")))


@pytest.mark.parametrize("template", ["{", "}", "{a"])
def test_a_template_that_cannot_be_read_is_one_error(template):
    with pytest.raises(InvalidInput, match="template"):
        list(new_cases([(2, {"a": "1"})], Shape(template)))


def test_braces_and_types_in_templates():
    assert fill("{{x}} {a} {b}", {"a": 1, "b": None}) == "{x} 1"
