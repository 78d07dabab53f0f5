"""Markdown of agents as HTML that can do no harm: no scripts, no images, no styles, and links that are marked as foreign."""

from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from casework.printable import printable

MOST = 50_000
"""Characters that are rendered; longer texts are shown as they are written."""

_TAGS = {
    *("p", "br", "hr", "em", "strong", "del", "s", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_RAISED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}
"""The page has headings of its own above those of an agent."""


@cache
def _renderer() -> MarkdownIt:
    # Raw HTML is text. Links need brackets: addresses in running text stay text.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def render(text: str) -> Markup:
    """The text as HTML."""
    text = printable(text, lines=True)
    if len(text) > MOST:
        return Markup("<pre>{}</pre>").format(text)
    tokens = _renderer().parse(text)
    for token in tokens:
        token.tag = _RAISED.get(token.tag, token.tag) if token.type.startswith("heading") else token.tag
    html = _renderer().renderer.render(tokens, _renderer().options, {})
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow ugc",
    )
    return Markup(cleaned)  # noqa: S704 - sanitized in the line above
