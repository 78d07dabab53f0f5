"""Passwords of settings, taken out of text that somebody else has made and that is kept or shown."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

HIDDEN = "[hidden]"

_SHORTEST = 4
"""A shorter password would be found in the middle of words."""

_USER = re.compile(r"://[^/?#\s]*?:([^\s]*)@")
_OPTION = re.compile(r"[?&](?:password|sslpassword)=([^&\s]*)", re.IGNORECASE)


def passwords(url: str) -> set[str]:
    """The passwords that a URL holds, as they are written in it and as they are meant."""
    written = {found for pattern in (_USER, _OPTION) for found in pattern.findall(url)}
    return {one for text in written for one in (text, unquote(text)) if len(one) >= _SHORTEST}


def redacted(text: str, urls: Iterable[str]) -> str:
    """The text without the passwords of these URLs."""
    pattern = _pattern(frozenset(urls))
    return pattern.sub(HIDDEN, text) if pattern else text


@lru_cache(maxsize=16)
def _pattern(urls: frozenset[str]) -> re.Pattern[str] | None:
    # The longest first: one may be the beginning of another.
    found = sorted({one for url in urls for one in passwords(url)}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, found))) if found else None
