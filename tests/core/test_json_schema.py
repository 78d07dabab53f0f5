"""Schemas that agents give: what is refused, what is checked, and that none takes long."""

from contextlib import suppress
from time import process_time

import pytest

from casework.core.json_schema import MAX_PARTS, check_schema, check_value
from casework.errors import InvalidInput

ADDRESS = {
    "type": "object",
    "properties": {"zip": {"type": "string", "pattern": r"^\d{5}$"}, "lines": {"$ref": "#/$defs/lines"}},
    "required": ["zip"],
    "additionalProperties": False,
    "$defs": {"lines": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "integer"}}}}},
}


def test_a_value_that_fits_passes():
    check_schema("schema", ADDRESS)
    check_value("answer", {"zip": "12345", "lines": [{"amount": 3}]}, ADDRESS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"zip": "1234"}, r"\$\.zip: '1234' does not match"),
        ({}, r"\$: 'zip' is a required property"),
        ({"zip": "12345", "lines": [{"amount": 1}, {"amount": "2"}]}, r"\$\.lines\[1\]\.amount: '2' is not of type"),
        ({"zip": "12345", "town": "x"}, "'town' was unexpected"),
        ([], r"\$: \[\] is not of type 'object'"),
    ],
)
def test_an_error_says_where_it_is(value, message):
    with pytest.raises(InvalidInput, match=message):
        check_value("answer", value, ADDRESS)


def test_edited_arguments_that_do_not_fit_are_told_in_plain_english():
    with pytest.raises(InvalidInput, match=r"^The arguments do not fit: \$\.zip: "):
        check_value("arguments", {"zip": "1234"}, ADDRESS)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (True, "which is an object"),
        ({"type": "nothing"}, r"\$\.type: 'nothing'"),
        ({"$ref": "https://example.org/schema.json"}, "lies elsewhere"),
        ({"properties": {"a": {"items": {"$ref": "file:///etc/passwd"}}}}, r"\$\.properties\.a\.items\.\$ref"),
        ({"$ref": "other.json"}, "lies elsewhere"),
        ({"$ref": "#/$defs/missing"}, "there is nothing at"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "must be draft 2020-12"),
        ({"pattern": "(?=a)b"}, "linear time"),
        ({"pattern": "(a)\\1"}, "linear time"),
        ({"pattern": "a" * 400}, "300 is the most"),
        ({"properties": {str(n): {"pattern": str(n)} for n in range(11)}}, "more than 10 patterns"),
        ({"patternProperties": {"a": {}}}, "patternProperties is not supported"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties is not supported"),
        ({"$dynamicRef": "#a"}, "is not supported"),
        ({"anyOf": [{"type": "string"}] * MAX_PARTS}, "objects and lists"),
        ({"description": "x" * 40_000}, "32768 is the most"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema, message):
    with pytest.raises(InvalidInput, match=message):
        check_schema("schema", schema)


def test_a_deep_schema_is_refused():
    schema = {"type": "string"}
    for _ in range(40):
        schema = {"not": schema}
    with pytest.raises(InvalidInput, match="30 levels"):
        check_schema("schema", schema)


def test_a_property_may_have_the_name_of_a_keyword():
    schema = {"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}, "enum": {"const": 1}}}
    check_schema("schema", schema)
    check_value("answer", {"pattern": "x", "$ref": "y", "enum": 1}, schema)


def doubling(levels):
    """Each definition refers twice to the next: read naively it is 2 to the power of its levels."""
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, {}),
        (doubling(16), {}),
        ({"pattern": "^(a|a)*b$"}, "a" * 22),
        ({"allOf": [{"pattern": rf"\w{{{n}}}x"} for n in range(90, 100)]}, "a" * 90_000),
        ({"items": {"enum": list(range(4000))}}, [-1] * 20_000),
        ({"items": {"properties": {f"p{n}": {} for n in range(400)}}}, [{}] * 20_000),
        ({"uniqueItems": True}, [{"a": n} for n in range(9_000)]),
    ],
    ids=["itself", "doubling", "alternatives", "many patterns", "enum", "properties", "unique"],
)
def test_no_schema_takes_long(schema, value):
    check_schema("schema", schema)
    begun = process_time()
    with suppress(InvalidInput):
        check_value("answer", value, schema)
    assert process_time() - begun < 5


@pytest.mark.parametrize(
    ("value", "unique"),
    [([1, True], True), ([1, 1.0], False), ([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], False), (["1", 1], True)],
)
def test_elements_are_compared_as_json(value, unique):
    if unique:
        check_value("answer", value, {"uniqueItems": True})
    else:
        with pytest.raises(InvalidInput, match="twice"):
            check_value("answer", value, {"uniqueItems": True})
