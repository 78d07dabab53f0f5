"""Searching in titles and data: which words there are, what a query asks for, and where it matched.

Words are runs of letters and digits, in lower case, on both sides: PostgreSQL's own parser would take "-17" in "INV-17"
for a number and "ann@example.com" for one word, and would find neither by its beginning.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

MAX_WORDS = 20_000
MAX_BYTES = 1_000_000
"""PostgreSQL keeps less than a mebibyte of words of one case, and up to 8 bytes more for each."""

MAX_WORD = 64
MAX_TERMS = 32
SNIPPET = 40

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


def words(text: str) -> list[str]:
    """The words of a text; a very long one is cut."""
    return [word[:MAX_WORD] for word in _WORD.findall(text.lower())]


def searchable(title: str, data: Any) -> str:
    """The words by which a case is found, as a text of words and spaces; those beyond what can be kept are left out."""
    found = [word for text in chain((title,), texts(data)) for word in words(text)]
    if len(found) * (MAX_WORD * _MOST_BYTES + 8) > MAX_BYTES:
        found = list(_that_fit(found))
    return " ".join(found)


_MOST_BYTES = 4
"""Of a character."""


def _that_fit(found: list[str]) -> Iterator[str]:
    room = MAX_BYTES
    for word in found[:MAX_WORDS]:
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
    """Words that follow one another; the last one may go on, unless they were quoted."""

    words: tuple[str, ...]
    exact: bool = False
    negated: bool = False

    def as_tsquery(self) -> str:
        """The term in PostgreSQL's language. Words are letters and digits, so that nothing needs quoting but quotes."""
        last = len(self.words) - 1
        parts = [
            f"'{word}'" + (":*" if number == last and not self.exact else "") for number, word in enumerate(self.words)
        ]
        phrase = " <-> ".join(parts)
        return f"!({phrase})" if self.negated else f"({phrase})"


def parse(query: str) -> list[Term]:
    """Words, "quoted phrases" and -not. There is no bad syntax: what has no letters or digits asks for nothing."""
    terms = []
    for sign, quoted, plain in _TERM.findall(query.replace("\0", " "))[:MAX_TERMS]:
        found = tuple(words(quoted or plain))
        if found:
            terms.append(Term(found, exact=bool(quoted), negated=bool(sign)))
    return terms


def as_tsquery(query: str) -> str | None:
    """The query in PostgreSQL's language; None where it asks for nothing."""
    terms = parse(query)
    return " & ".join(term.as_tsquery() for term in terms) or None


def snippet(data: Any, query: str) -> dict[str, str] | None:
    """Where a term matched inside data: what stands before it, itself, and what stands behind it."""
    for term in parse(query):
        if term.negated:
            continue
        pattern = re.compile(
            r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, term.words)) + ("(?![^\\W_])" if term.exact else ""),
            re.IGNORECASE,
        )
        for text in texts(data):
            found = pattern.search(text)
            if found:
                start, end = found.span()
                return {
                    "before": text[max(0, start - SNIPPET) : start],
                    "match": found[0],
                    "after": text[end : end + SNIPPET],
                }
    return None
