"""Rewrites pydantic's messages for people who do not know pydantic."""

import re

_WORDS = (
    (r"^Value error, ", ""),
    (r", unable to (parse string as an? \w+|interpret input)", ""),
    (r"\ba valid integer( range)?\b", "a whole number"),
    (r"\ba valid (number|boolean|string)\b", r"a \1"),
    (r"^Input should\b", "it should"),
    (r"^String should\b", "it should"),
    (r"\bgreater than or equal to\b", "at least"),
    (r"\bless than or equal to\b", "at most"),
    (r"^Field required$", "it is missing"),
)


_CHOICE = re.compile(r"^String should match pattern '\^\((?:\?i:)?([a-z|]+)\)\$'$")


def plain_words(message: str) -> str:
    """The message without the words of the library."""
    if choice := _CHOICE.match(message):
        return f"it should be one of {choice[1].replace('|', ', ')}"
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message
