"""Messages agree in number, suggest commands that can be pasted, and say what is wrong in plain words."""

import re
import shlex
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field, ValidationError, field_validator

import casework
from casework.wording import command, counted, plain_words, problem

SOURCES = sorted(Path(casework.__file__).parent.rglob("*.py"))


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Part(BaseModel):
    number: int


class Sample(BaseModel):
    whole: int = Field(1, ge=1, le=9)
    ratio: float = Field(1.0, gt=0, lt=5)
    flag: bool = True
    level: str = Field("a", pattern="^(?i:debug|info)$")
    code: str = Field("a1", pattern="^[a-z][0-9]$")
    name: str = Field("x", min_length=1, max_length=3)
    tags: list[str] = Field([], max_length=2)
    some: list[str] = Field(["x"], min_length=1)
    part: Part | None = None
    by_name: dict[str, int] = {}
    size: Size = Size.SMALL
    end: Literal["completed", "failed"] = "failed"
    since: AwareDatetime | None = None

    @field_validator("name")
    @classmethod
    def _not_y(cls, name):
        if name == "y":
            raise ValueError("y is taken")
        return name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"whole": "x"}, "it should be a whole number"),
        ({"whole": 1.5}, "it should be a whole number"),
        ({"whole": 0}, "it should be at least 1"),
        ({"whole": 10}, "it should be at most 9"),
        ({"ratio": "x"}, "it should be a number"),
        ({"ratio": 0}, "it should be more than 0"),
        ({"ratio": 5}, "it should be less than 5"),
        ({"flag": "x"}, "it should be true or false"),
        ({"level": "loud"}, "it should be one of debug, info"),
        ({"code": "1a"}, "it should match ^[a-z][0-9]$"),
        ({"name": ""}, "it is empty"),
        ({"name": "long"}, "it should have at most 3 characters"),
        ({"name": 5}, "it should be text"),
        ({"name": "y"}, "y is taken"),
        ({"tags": "x"}, "it should be a list"),
        ({"tags": ["x", "y", "z"]}, "it should have at most 2 elements"),
        ({"some": []}, "it is empty"),
        ({"part": 5}, "it should be an object"),
        ({"part": {}}, "it is missing"),
        ({"by_name": 5}, "it should be an object"),
        ({"size": "huge"}, "it should be 'small' or 'large'"),
        ({"end": "gone"}, "it should be 'completed' or 'failed'"),
        ({"since": datetime(2026, 5, 1)}, "it has no time zone: write +00:00 or Z behind it"),  # noqa: DTZ001
        ({"since": "x"}, "it is not a moment: write it like 2026-05-01T08:00:00Z"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(given, words):
    with pytest.raises(ValidationError) as raised:
        Sample(**given)
    assert problem(raised.value.errors()[0]) == words


def test_a_problem_of_another_kind_keeps_its_text():
    assert problem({"type": "url_parsing", "msg": "Input should be a valid URL"}) == "it should be a valid URL"


def test_messages_of_the_command_line_are_in_plain_words():
    assert plain_words("'x' is not a valid integer range.") == "'x' is not a whole number."


@pytest.mark.parametrize(
    ("number", "thing", "words"),
    [
        (0, "run", "0 runs"),
        (1, "run", "1 run"),
        (2, "run", "2 runs"),
        (1, "retry", "1 retry"),
        (2, "retry", "2 retries"),
        (2, "day", "2 days"),
        (3, "process", "3 processes"),
        (1, "bad line", "1 bad line"),
        (1200, "case", "1200 cases"),
    ],
)
def test_a_number_agrees_with_its_noun(number, thing, words):
    assert counted(number, thing) == words


@pytest.mark.parametrize("name", ["invoices", "my queue", "it's", "a/b", "$HOME", "--all", "x;y", "ünïcode"])
def test_a_suggested_command_has_the_words_that_were_given(name):
    assert shlex.split(command("queues", "show", name)) == ["casework", "queues", "show", name]


def test_placeholders_of_suggested_commands_stand_as_they_are():
    assert command("agents", "create", "NAME", "--python", "module:function") == (
        "casework agents create NAME --python module:function"
    )


def test_no_other_source_quotes_a_command():
    quotes = re.compile(r"shlex\.(quote|join)|from shlex import .*(quote|join)")
    assert [file.name for file in SOURCES if quotes.search(file.read_text())] == ["wording.py"]
