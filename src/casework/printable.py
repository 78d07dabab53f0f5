"""Text from elsewhere, made safe to show: it cannot move the cursor, forge a line, or turn the reading direction."""

import re

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_DIRECTION_AND_LINE_MARKS = r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff"
_UNSAFE_IN_LINES = re.compile(f"[{_CONTROLS}{_DIRECTION_AND_LINE_MARKS}\ud800-\udfff]")
_UNSAFE = re.compile(rf"[\t\n{_UNSAFE_IN_LINES.pattern[1:]}")
_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


def printable(text: str, *, lines: bool = False) -> str:
    """The text with control characters and direction marks written as escapes. With `lines`, it may have line breaks and tabs."""
    return (_UNSAFE_IN_LINES if lines else _UNSAFE).sub(_escape, text)


def printable_json(document: str) -> str:
    """A JSON document with the same characters written as JSON escapes; its value does not change."""
    return _UNSAFE_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
