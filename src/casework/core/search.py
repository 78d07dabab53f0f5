"""Search in titles and data: the words of a text, the terms of a query, and the place of a match.

Words are runs of letters and digits, in lower case, on both sides: PostgreSQL's own parser would take "-17" in "INV-17"
for a number and "ann@example.com" for one word, and would find neither by its beginning.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from casework.errors import InvalidInput

MAX_WORDS = 20_000
MAX_BYTES = 1_000_000
"""The words of one case must fit into less than 1 MiB in PostgreSQL, with up to 8 bytes more for each word."""

MAX_WORD = 64
MAX_QUERY = 1000
MAX_TERMS = 32
MAX_QUERY_WORDS = 64
"""Each word of a query is looked up in the index, and a phrase compares positions for each."""

SNIPPET = 40
SNIPPET_CHARACTERS = 20_000
"""How many characters of a case's data are searched for a snippet: a page may hold a hundred cases of a megabyte
each."""

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


def words(text: str) -> list[str]:
    """The words of a text; a very long one is cut."""
    return [word[:MAX_WORD] for word in _WORD.findall(text.lower())]


def searchable(title: str, data: Any) -> str:
    """The words by which a case is found, separated by spaces, without those beyond the limit."""
    found = list(islice((word for text in chain((title,), texts(data)) for word in words(text)), MAX_WORDS))
    if len(found) * (MAX_WORD * _MOST_BYTES + 8) > MAX_BYTES:
        found = list(_that_fit(found))
    return " ".join(found)


_MOST_BYTES = 4
"""Bytes of a character in UTF-8."""


def _that_fit(found: list[str]) -> Iterator[str]:
    room = MAX_BYTES
    for word in found:
        room -= len(word.encode()) + 8
        if room < 0:
            return
        yield word


def texts(data: Any) -> Iterator[str]:
    """The strings and numbers inside data."""
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending.extend(reversed(value.values()))
        elif isinstance(value, list):
            pending.extend(reversed(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield json.dumps(value)


@dataclass(frozen=True, slots=True)
class Term:
    """Consecutive words. The last one matches as a prefix unless they were quoted."""

    words: tuple[str, ...]
    exact: bool = False
    negated: bool = False

    def as_tsquery(self) -> str:
        """The term as a tsquery. Words are letters and digits, so nothing in them needs escaping."""
        last = len(self.words) - 1
        parts = [
            f"'{word}'" + (":*" if number == last and not self.exact else "") for number, word in enumerate(self.words)
        ]
        phrase = " <-> ".join(parts)
        return f"!({phrase})" if self.negated else f"({phrase})"


def parse(query: str) -> list[Term]:
    """Words, "quoted phrases" and -not. Every text is valid syntax; parts without letters or digits are ignored.

    Raises InvalidInput if the query has more than 1000 characters, 32 terms or 64 words.
    """
    if len(query) > MAX_QUERY:
        raise InvalidInput(f"A search has at most {MAX_QUERY} characters (got {len(query)}).")
    terms = []
    for sign, quoted, plain in _TERM.findall(query.replace("\0", " ")):
        found = tuple(words(quoted or plain))
        if found:
            terms.append(Term(found, exact=bool(quoted), negated=bool(sign)))
    count = sum(len(term.words) for term in terms)
    if len(terms) > MAX_TERMS or count > MAX_QUERY_WORDS:
        raise InvalidInput(
            f"A search has at most {MAX_TERMS} terms and {MAX_QUERY_WORDS} words (got {len(terms)} and {count})."
        )
    return terms


def as_tsquery(query: str, *, whole: bool = False) -> str | None:
    """The query as a tsquery; None if it has no words. With `whole`, no word matches by its beginning. Raises
    InvalidInput."""
    terms = [replace(term, exact=term.exact or whole) for term in parse(query)]
    return " & ".join(term.as_tsquery() for term in terms) or None


class Snippets:
    """Where the terms of a query match inside data. Made once for a page."""

    def __init__(self, query: str) -> None:
        wanted = [_as_pattern(term) for term in parse(query) if not term.negated]
        # One alternation after one lookbehind, so that each word of the text is compared once.
        self._pattern = re.compile(r"(?<![^\W_])(?:" + "|".join(wanted) + ")", re.IGNORECASE) if wanted else None

    def parts(self, text: str) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it matches."""
        found, at = [], 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            found += [(text[at : match.start()], False), (match[0], True)]
            at = match.end()
        return [(piece, marked) for piece, marked in (*found, (text[at:], False)) if piece]

    def of(self, data: Any) -> dict[str, str] | None:
        """The first match in the beginning of data: the text before it, the match, and the text after it."""
        left = SNIPPET_CHARACTERS
        for text in texts(data) if self._pattern else ():
            found = self._pattern.search(text, 0, left) if self._pattern else None
            if found:
                start, end = found.span()
                return {
                    "before": text[max(0, start - SNIPPET) : start],
                    "match": text[start : min(end, start + MAX_QUERY)],
                    "after": text[end : end + SNIPPET],
                }
            left -= len(text) + 1
            if left <= 0:
                break
        return None


def _as_pattern(term: Term) -> str:
    # Possessive, so that a run of separators is not tried again in parts.
    return r"[\W_]++".join(map(re.escape, term.words)) + ("(?![^\\W_])" if term.exact else "")
