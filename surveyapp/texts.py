"""Texts that researchers wrote, made safe for pages. They are Markdown, never templates."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from surveyapp.languages import Said, direction

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS = {"a", "br", "code", "em", "hr", "li", "ol", "p", "strong", "ul", "blockquote"} | {
    "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "pre"
}  # fmt: skip
_HEADING = re.compile(r"(</?)h1>")


def markdown(text: str) -> Markup:
    """Markdown as safe HTML: no raw HTML, no images, links to web and mail only.

    A text in another language than its page says which.
    """
    made = _cleaned(str(text))
    language = text.language if isinstance(text, Said) else ""
    if not language:
        return made
    block = Markup('<div lang="{}" dir="{}">{}</div>')
    return block.format(language, direction(language), made)


@lru_cache(maxsize=1024)
def _cleaned(text: str) -> Markup:
    made = _HEADING.sub(r"\1h2>", _MARKDOWN.render(text))
    safe = nh3.clean(
        made, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}
    )
    return Markup(safe)  # noqa: S704 - cleaned above
