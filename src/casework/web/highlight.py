"""Texts with the places marked where a search found its words."""

from markupsafe import Markup, escape

from casework.core.search import Snippets
from casework.web.formats import shown

_MARK = Markup("<mark>{}</mark>")


class Highlight:
    """What a search found, for one page."""

    def __init__(self, query: str) -> None:
        self._snippets = Snippets(query)

    def text(self, text: str) -> Markup:
        """The text, with the places marked."""
        pieces = self._snippets.parts(text)
        return Markup("").join(
            _MARK.format(shown(piece)) if marked else escape(shown(piece)) for piece, marked in pieces
        )

    def snippet(self, data: object) -> Markup:
        """The first place in data; empty if it has none."""
        found = self._snippets.of(data)
        if found is None:
            return Markup("")
        before, match, after = (shown(found[name]) for name in ("before", "match", "after"))
        return Markup("…{}").format(before) + _MARK.format(match) + Markup("{}…").format(after)
