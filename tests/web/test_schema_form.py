"""Forms made from JSON Schemas, without a browser."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.web import schema_form
from casework.web.view import Form

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
DOCUMENTS = st.dictionaries(
    TEXT, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
)


def leaves(made):
    return [leaf for child in made.children for leaf in leaves(child)] if made.children else [made]


def sent(made, **changes):
    """The form as a browser sends it, which ends lines with CR LF; `changes` by the labels of fields."""
    fields = []
    for leaf in leaves(made):
        text = leaf.text
        if leaf.kind == "choice":
            text = next((choice for choice, present in leaf.choice_texts if present), "")
        text = changes.get(leaf.label, text)
        fields.append((leaf.name, text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")))
    return Form(fields)


@given(DOCUMENTS)
@example({"notes": [" ", "\n", "\r\n"]})
def test_form_that_is_left_alone_gives_the_document_exactly(document):
    made = schema_form.make("arguments", None, document)
    assert json.dumps(schema_form.read(made, sent(made))) == json.dumps(document)


SCHEMA = {
    "type": "object",
    "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    "properties": {
        "name": {"type": "string"},
        "nick": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "age": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "is_new": {"type": "boolean"},
        "size": {"enum": ["S", "M", 3, None]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"$ref": "#/$defs/place"},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "anything": {},
    },
    "required": ["name"],
}


def test_each_part_of_a_schema_has_its_kind_of_field():
    made = schema_form.make("a", SCHEMA, UNSET)
    assert {child.label: child.kind for child in made.children} == {
        "name": "text",
        "nick": "text",
        "age": "number",
        "share": "number",
        "is_new": "switch",
        "size": "choice",
        "tags": "list",
        "place": "object",
        "either": "json",
        "anything": "json",
    }


def test_empty_fields_are_left_out():
    made = schema_form.make("a", SCHEMA, UNSET)
    assert schema_form.read(made, sent(made, name="Bo")) == {"name": "Bo"}


def test_field_that_is_emptied_becomes_null_where_null_is_allowed():
    made = schema_form.make("a", SCHEMA, {"name": "Bo", "nick": "B", "age": 3, "share": 1.5})
    found = schema_form.read(made, sent(made, nick="", age="", share=""))
    assert found == {"name": "Bo", "nick": None, "age": None}


def test_part_that_was_begun_has_to_be_complete():
    schema = {
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "street": {"type": "string"}},
                "required": ["city"],
            }
        },
    }
    made = schema_form.make("a", schema, UNSET)
    assert schema_form.read(made, sent(made)) == {}
    with pytest.raises(InvalidInput, match="city: it is missing"):
        schema_form.read(made, sent(made, street="Main Street"))


@pytest.mark.parametrize(
    ("label", "text", "value"),
    [
        ("age", "12", 12),
        ("age", "123456789012345678901234567890", 123456789012345678901234567890),
        ("share", "0.5", 0.5),
        ("share", " 1e3 ", 1000.0),
        ("is_new", "true", True),
        ("is_new", "false", False),
        ("size", "3", 3),
        ("size", '"M"', "M"),
        ("size", "null", None),
        ("either", "7", 7),
        ("anything", '[{"a": 1}]', [{"a": 1}]),
        ("nick", "line one\nline two", "line one\nline two"),
    ],
)
def test_text_of_a_field_becomes_a_value_of_its_type(label, text, value):
    made = schema_form.make("a", SCHEMA, UNSET)
    found = schema_form.read(made, sent(made, name="Bo", **{label: text}))[label]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("label", "text", "problem"),
    [
        ("name", "", "name: it is missing"),
        ("share", "much", "share: 'much' is not a number"),
        ("share", "NaN", "share: 'NaN' is not a number"),
        ("share", "1e999", "share: '1e999' is not a number"),
        ("age", "true", "age: 'true' is not a number"),
        ("size", '"XL"', 'size: "XL" is none of the choices'),
        ("either", "{", "either is not JSON"),
    ],
)
def test_value_that_cannot_be_read_is_named(label, text, problem):
    made = schema_form.make("a", SCHEMA, UNSET)
    with pytest.raises(InvalidInput) as error:
        schema_form.read(made, sent(made, **{"name": "Bo", label: text}))
    assert problem in str(error.value)


def test_list_grows_shrinks_and_keeps_its_order():
    made = schema_form.make("a", SCHEMA, {"name": "Bo", "tags": ["x", "y", "z"]})
    form = Form(
        [
            ("a/name", "Bo"),
            ("a/tags/0", "x"),
            ("a/tags/1", ""),
            ("a/tags/2", "z"),
            ("a/tags/3", "new"),
            ("a/tags/4", ""),
        ]
    )
    assert schema_form.read(made, form)["tags"] == ["x", "z", "new"]


def test_document_with_very_many_fields_is_json():
    assert schema_form.make("a", None, {str(number): number for number in range(500)}).kind == "json"


def test_schema_that_refers_to_itself_is_a_form_that_ends():
    schema = {"$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}
    made = schema_form.make("a", schema, UNSET)
    assert len(leaves(made)) == 1


@pytest.mark.parametrize(
    "schema", [{"properties": 3}, {"required": 3}, {"$ref": "#/nowhere"}, {"anyOf": 3}, {"items": 3}]
)
def test_odd_schema_is_still_a_form(schema):
    assert schema_form.make("a", schema, {"x": [1]}).kind in ("object", "json")
