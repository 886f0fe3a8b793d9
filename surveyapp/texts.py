"""Texts that researchers wrote, made safe for pages. They are Markdown, never templates."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from analysis.study.piping import Piped
from surveyapp.languages import Said, direction

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS = {"a", "br", "code", "em", "hr", "li", "ol", "p", "strong", "ul", "blockquote"} | {
    "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "pre"
}  # fmt: skip
_HEADING = re.compile(r"(</?)h1>")
_START, _END = "\ue000", "\ue001"
"""Around the number of an answer while Markdown is read; private characters, taken out of texts."""
_MARK = re.compile(f"{_START}([0-9]+){_END}")
_MARK_IN_ADDRESS = re.compile(f"{quote(_START)}([0-9]+){quote(_END)}")


def markdown(text: str) -> Markup:
    """Markdown as safe HTML: no raw HTML, no images, links to web and mail only.

    Answers that stand in the text are put in afterwards as plain text; in the address of a link
    they are written so that they stay a part of it. A text in another language than its page says
    which.
    """
    piped = text.piped if isinstance(text, Said) else None
    made = _with_answers(piped) if piped else _rendered(str(text))
    language = text.language if isinstance(text, Said) else ""
    if not language:
        return made
    block = Markup('<div lang="{}" dir="{}">{}</div>')
    return block.format(language, direction(language), made)


def _with_answers(text: Piped) -> Markup:
    parts = [part.replace(_START, "").replace(_END, "") for part in text.parts]
    marked = parts[0] + "".join(f"{_START}{n}{_END}{part}" for n, part in enumerate(parts[1:]))
    page = str(_rendered(marked))
    page = _MARK.sub(lambda found: escape(text.answers[int(found[1])]), page)
    page = _MARK_IN_ADDRESS.sub(lambda found: quote(text.answers[int(found[1])], safe=""), page)
    return Markup(page)  # noqa: S704 - the page was cleaned, the answers are escaped


@lru_cache(maxsize=1024)
def _rendered(text: str) -> Markup:
    made = _HEADING.sub(r"\1h2>", _MARKDOWN.render(text))
    safe = nh3.clean(
        made, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}
    )
    return Markup(safe)  # noqa: S704 - cleaned above
