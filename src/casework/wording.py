"""How casework says things to people: numbers with their nouns, commands to paste, and what is wrong with a value."""

import re
import shlex
from collections.abc import Mapping
from typing import Any


def counted(number: int, thing: str) -> str:
    """A number with its noun, which is given in the singular: "1 run", "2 retries", "1200 cases"."""
    return f"{number} {thing if number == 1 else plural(thing)}"


def plural(thing: str) -> str:
    """The plural of a regular noun."""
    if re.search("[^aeiou]y$", thing):
        return f"{thing[:-1]}ies"
    return f"{thing}es" if thing.endswith(("s", "x", "ch", "sh")) else f"{thing}s"


def command(*words: object) -> str:
    """A command of casework that can be pasted into a shell."""
    return shell("casework", *words)


def shell(*words: object) -> str:
    """A command that can be pasted into a shell: words are quoted if they have to be."""
    return shlex.join(map(str, words))


_PROBLEMS: dict[str, str] = {
    "missing": "it is missing",
    "bool_type": "it should be true or false",
    "bool_parsing": "it should be true or false",
    "int_type": "it should be a whole number",
    "int_parsing": "it should be a whole number",
    "int_parsing_size": "it has too many digits",
    "int_from_float": "it should be a whole number",
    "float_type": "it should be a number",
    "float_parsing": "it should be a number",
    "finite_number": "it should be a finite number",
    "string_type": "it should be text",
    "string_unicode": "it is not valid unicode",
    "list_type": "it should be a list",
    "dict_type": "it should be an object",
    "model_type": "it should be an object",
    "model_attributes_type": "it should be an object",
    "enum": "it should be {expected}",
    "literal_error": "it should be {expected}",
    "greater_than": "it should be more than {gt}",
    "greater_than_equal": "it should be at least {ge}",
    "less_than": "it should be less than {lt}",
    "less_than_equal": "it should be at most {le}",
    "timezone_aware": "it has no time zone: write +00:00 or Z behind it",
    "datetime_parsing": "it is not a moment: write it like 2026-05-01T08:00:00Z",
    "datetime_from_date_parsing": "it is not a moment: write it like 2026-05-01T08:00:00Z",
}
"""What is wrong, by pydantic's type of the error; the names in braces are in the error's context."""

_LENGTHS = {
    "too_short": ("min_length", "at least", "element"),
    "too_long": ("max_length", "at most", "element"),
    "string_too_short": ("min_length", "at least", "character"),
    "string_too_long": ("max_length", "at most", "character"),
}


def problem(error: Mapping[str, Any]) -> str:
    """What is wrong with a value, from one of pydantic's errors, without pydantic's words."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _PROBLEMS:
        return _PROBLEMS[kind].format_map({name: _plain(value) for name, value in context.items()})
    if kind in _LENGTHS:
        bound, relation, thing = _LENGTHS[kind]
        if context[bound] == 1 and relation == "at least":
            return "it is empty"
        return f"it should have {relation} {counted(context[bound], thing)}"
    if kind == "string_pattern_mismatch":
        return _mismatch(str(context["pattern"]))
    return plain_words(str(error["msg"]))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_CHOICE = re.compile(r"\^\((?:\?i:)?([a-z|]+)\)\$")


def _mismatch(pattern: str) -> str:
    choice = _CHOICE.fullmatch(pattern)
    return f"it should be one of {choice[1].replace('|', ', ')}" if choice else f"it should match {pattern}"


_WORDS = (
    (r"^(Value|Assertion) (error|failed), ", ""),
    (r", unable to (parse string as an? \w+|interpret input)", ""),
    (r"\ba valid integer( range)?\b", "a whole number"),
    (r"\ba valid (number|boolean|string)\b", r"a \1"),
    (r"^(Input|String) should\b", "it should"),
    (r"\bgreater than or equal to\b", "at least"),
    (r"\bless than or equal to\b", "at most"),
)


def plain_words(message: str) -> str:
    """A library's message about a value in plain words. Typer gives no more than a message."""
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message
