"""Messages about values are in plain words."""

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from casework.wording import plain_words


class Sample(BaseModel):
    whole: int = Field(1, ge=1, le=9)
    ratio: float = 1.0
    flag: bool = True
    level: str = Field("a", pattern="^(?i:debug|info)$")
    name: str = Field("x", min_length=1)

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
        ({"whole": 0}, "it should be at least 1"),
        ({"whole": 10}, "it should be at most 9"),
        ({"ratio": "x"}, "it should be a number"),
        ({"flag": "x"}, "it should be a boolean"),
        ({"level": "loud"}, "it should be one of debug, info"),
        ({"name": ""}, "it should have at least 1 character"),
        ({"name": "y"}, "y is taken"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(given, words):
    with pytest.raises(ValidationError) as raised:
        Sample(**given)
    assert plain_words(raised.value.errors()[0]["msg"]) == words
