"""Reading files of records: what is good goes in, what is bad is named by its line."""

from datetime import UTC, datetime

import pytest

from casework.cli.imports.csv_file import csv_records
from casework.cli.imports.json_file import json_records
from casework.cli.imports.records import BadLine
from casework.cli.imports.shape import Shape, new_cases
from casework.cli.imports.template import fill
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
        BadLine(2, "it has 1 field, and the header has 2"),
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


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ('"a\n', "header")])
def test_a_bad_header_is_one_error(text, reason):
    with pytest.raises(InvalidInput, match=reason):
        read(text)


def test_json_lines():
    found = list(json_records(['{"a": 1}\n', "\n", "[1]\n", "{bad\n", '{"a": NaN}\n', '{"a": 2}']))
    assert found[0] == (1, {"a": 1})
    assert [(one.line, one.reason.split(":")[0]) for one in found[1:4]] == [
        (3, "it is a JSON array, not an object"),
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
    with pytest.raises(InvalidInput, match=r"no column 'nope'\. It has 'a'"):
        list(new_cases([(2, {"a": "1"})], Shape("{nope}")))


@pytest.mark.parametrize("template", ["{", "}", "{a"])
def test_a_template_that_cannot_be_read_is_one_error(template):
    with pytest.raises(InvalidInput, match="template"):
        list(new_cases([(2, {"a": "1"})], Shape(template)))


def test_braces_and_types_in_templates():
    assert fill("{{x}} {a} {b}", {"a": 1, "b": None}) == "{x} 1"


@pytest.mark.parametrize(
    ("template", "column"),
    [("{a:b}", "a:b"), ("{really!}", "really!"), ("{Due date}", "Due date"), ("{a.b[0]}", "a.b[0]"), ("{0}", "0")],
)
def test_a_template_takes_any_column_name(template, column):
    assert fill(f"<{template}>", {column: "x"}) == "<x>"


def test_repeated_and_empty_column_names_are_numbered_and_said():
    notes = []
    text = "Id,Labels,Labels,,Labels\n1,red,blue,x,\n"
    ((_, record),) = csv_records(lines(text), None, notes.append)
    assert record == {"Id": "1", "Labels": "red", "Labels (2)": "blue", "column 4": "x", "Labels (3)": ""}
    assert notes == [
        "The header has 3 columns named 'Labels': the others are 'Labels (2)' and so on.",
        "Columns without a name are read as 'column 4'.",
    ]
    ((_, case),) = new_cases([(2, record)], Shape("{Id}", ("Labels",)))
    assert case.labels == (LabelRef("red", "Labels"), LabelRef("blue", "Labels"))


@pytest.mark.parametrize(
    ("record", "shape"),
    [
        ({"due": "2099-12-01T08:00:00Z"}, Shape("x", ready_at="{due}")),
        ({"title": "x", "ready_at": "2099-12-01T09:00:00+01:00"}, Shape()),
        ({"title": "x", "data": 1, "ready_at": "2099-12-01T08:00:00Z"}, Shape()),
        ({"title": "x"}, Shape(ready_at="2099-12-01 08:00:00+00:00")),
    ],
)
def test_a_column_says_when_a_case_is_ready(record, shape):
    ((_, case),) = new_cases([(2, record)], shape)
    assert case.moment == datetime(2099, 12, 1, 8, tzinfo=UTC)
    assert "ready_at" not in (case.data if isinstance(case.data, dict) else {})


def test_a_case_is_ready_at_once_if_its_column_is_empty():
    ((_, case),) = new_cases([(2, {"title": "x", "ready_at": " "})], Shape())
    assert case.moment is None


def test_a_time_that_cannot_be_read_costs_its_line():
    (bad,) = new_cases([(2, {"title": "x", "ready_at": "soon"})], Shape())
    assert "'soon' is not a duration" in bad.reason


def test_a_numbered_name_does_not_take_another_columns_name():
    ((_, record),) = read("a,a,a (2)\n1,2,3\n")
    assert record == {"a": "1", "a (3)": "2", "a (2)": "3"}


def test_a_header_of_too_many_columns_is_one_error():
    with pytest.raises(InvalidInput, match="5,001 columns"):
        read(",".join(f"c{number}" for number in range(5001)) + "\n")


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;\r"])
def test_the_line_that_names_the_separator_is_heard(first):
    assert read(f"{first}\na,b;c\n1,2;3\n") == [(3, {"a,b": "1,2", "c": "3"})]


def test_json_arrays_name_the_line_of_each_element():
    text = '[{"a": 1},\n  {"a": 2}, 3,\n {"a": {"b": [4]}}\n]\n'
    assert list(json_records(lines(text))) == [
        (1, {"a": 1}),
        (2, {"a": 2}),
        BadLine(2, "it is a JSON number, not an object"),
        (3, {"a": {"b": [4]}}),
    ]
    assert list(json_records(lines("[]\n"))) == list(json_records(lines("[\n]"))) == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[{"a": 1},\n{bad}]', 2, "not JSON"),
        ('[{"a": 1},\n', 2, "not read"),
        ('[{"a": 1}\n{"a": 2}]', 2, "comma"),
        ('[{"a": 1}]\n{"a": 2}', 1, "after the end"),
        ('[{"a": 1}, {"a"', 1, "not read"),
    ],
)
def test_what_is_lost_of_an_array_is_said(text, line, reason):
    found = list(json_records(lines(text)))
    assert found[0] == (1, {"a": 1})
    assert isinstance(found[1], BadLine)
    assert found[1].line == line
    assert reason in found[1].reason


@pytest.mark.parametrize("text", ["", "\n\n", '{\n "title": "x"\n}\n'])
def test_json_that_holds_no_records_is_one_error(text):
    with pytest.raises(InvalidInput, match="object in each line"):
        list(json_records(lines(text)))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"title": None}, "its title is null"),
        ({"title": True}, "its title is true or false"),
        ({"title": ["x"]}, "its title is a list"),
        ({"title": "x", "priority": None}, "its priority is null"),
        ({"title": "x", "labels": "red"}, "its labels are text"),
        ({"title": "x", "labels": [None]}, "a label is null"),
        ({"title": "x", "labels": [{"value": None}]}, "its value is null"),
        ({"title": "x", "labels": [{"name": "y"}]}, "a label has no field 'name'"),
        ({"title": "x", "lables": []}, "did you mean 'labels'"),
        ({"title": "x", "prioirty": "high"}, "did you mean 'priority'"),
        ({"title": "x", "data": 1, "due": 2}, "a case has no field 'due'; it has"),
        ({"Titel": "x"}, "did you mean 'Titel'"),
    ],
)
def test_a_record_that_is_not_a_case_says_why(record, reason):
    (found,) = new_cases([(1, record)], Shape())
    assert isinstance(found, BadLine)
    assert reason in found.reason


def test_a_record_with_data_may_have_a_key():
    ((_, case),) = new_cases([(1, {"title": 7, "data": {"date": 1}, "key": "A-1"})], Shape())
    assert (case.title, case.data, case.key) == ("7", {"date": 1}, "A-1")


def test_other_names_beside_the_title_are_data():
    ((_, case),) = new_cases([(1, {"title": "x", "date": 1, "key": "k"})], Shape())
    assert (case.data, case.key) == ({"date": 1, "key": "k"}, None)


def test_an_empty_key_is_a_bad_line():
    (found,) = new_cases([(1, {"id": "", "a": "x"})], Shape("{a}", key="id"))
    assert found == BadLine(1, "its key, 'id', is empty")


def test_a_misspelled_column_names_the_nearest():
    with pytest.raises(InvalidInput, match="no column 'vendr'; did you mean 'Vendor'"):
        list(new_cases([(2, {"Vendor": "x", "a": "y"})], Shape("{a}", ("vendr",))))
