"""Checks the names of fields, and the names that people give to queues, agents, teams and keys."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from uuid import UUID

from casework.core.payload import check_text
from casework.errors import InvalidInput

MAX_NAME = 100

GROUP_PATTERN = r"^([a-z0-9][a-z0-9_-]{0,49})?$"
"""The names of groups of workers: they are parts of keys in Redis. Empty: no group."""

_MAX_COMPARED = 64
"""Characters of a field's name that are compared and shown: comparing takes the square of the length."""

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Alphabets that share the shapes of letters. A name uses one of them."""


def unknown_field(given: Iterable[object], known: Collection[str], what: str = "field") -> str | None:
    """A message about the first unknown name, with the nearest known one; None if all are known."""
    others = [str(name) for name in given if name not in known]
    if not others:
        return None
    first = others[0][:_MAX_COMPARED].encode("utf-8", "backslashreplace").decode()
    near = get_close_matches(first, known, 1, 0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    there_are = f"Known: {', '.join(sorted(known))}." if known else f"This takes no {what}."
    return f"unknown {what} {first!r}{more}: {hint}{there_are}"


def check_fields(given: Iterable[object], known: Collection[str], what: str = "field") -> None:
    """Raise InvalidInput for a name that is not known. The message names the nearest known one."""
    if problem := unknown_field(given, known, what):
        raise InvalidInput(problem[0].upper() + problem[1:])


def check_name(what: str, name: str) -> None:
    """Raise InvalidInput for a name that a person could not see, or could confuse with another one. Not allowed are
    more than 100 characters, leading, trailing or double spaces, invisible characters, characters with a plainer form,
    look-alike letters of two alphabets, and anything that looks like an id.
    """
    check_text(what, name, least=1, most=MAX_NAME)
    if any(character != " " and _is_invisible(character) for character in name):
        raise InvalidInput(f"The {what} contains invisible characters.")
    if name.split(" ") != name.split():
        raise InvalidInput(f"The {what} must not begin or end with a space, or have two in a row.")
    if unicodedata.normalize("NFC", name) != name or _plain(name) != name:
        raise InvalidInput(f"The {what} contains characters that look like plainer ones: write {_plain(name)!r}.")
    scripts = {
        script for character in name for script in _SCRIPTS if unicodedata.name(character, "").startswith(script)
    }
    if len(scripts) > 1:
        raise InvalidInput(f"The {what} mixes letters that look alike: {' and '.join(sorted(scripts)).lower()}.")
    if _is_id(name):
        raise InvalidInput(f"The {what} looks like an id; choose another name.")


def check_group(name: str) -> None:
    """Raise InvalidInput for what cannot be the name of a group of workers; empty for none."""
    if not re.fullmatch(GROUP_PATTERN, name):
        raise InvalidInput(
            f"{name!r:.60} is not a group's name: it has up to 50 small letters, digits, _ and -, and begins with a letter or digit."
        )


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
        or character in _BLANKS
        or "VARIATION SELECTOR" in unicodedata.name(character, "")
    )


_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are displayed as nothing."""


def _plain(name: str) -> str:
    """The text with wide, mathematical and other styled letters replaced by plain ones."""
    return "".join(
        unicodedata.normalize("NFKC", one) if _is_styled(one) else one for one in unicodedata.normalize("NFC", name)
    )


def _is_styled(character: str) -> bool:
    return unicodedata.decomposition(character).startswith(("<font>", "<wide>", "<narrow>", "<circle>", "<square>"))


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
