"""Texts of mails: placeholders filled in safely, Markdown as plain text and as HTML."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.study.mails import ADDRESSES, PLACEHOLDER
from surveyapp import texts

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_BLANK_LINES = re.compile(r"\n{3,}")


def one_line(value: str) -> str:
    """A value for a header: whatever could begin another line or header is a space."""
    return " ".join("".join(s if s.isprintable() else " " for s in value).split())


def missing(text: str, values: Mapping[str, str]) -> list[str]:
    """Placeholders of a text that have neither a value nor a word that stands in."""
    found = (m for m in PLACEHOLDER.finditer(text) if not values.get(m[1]) and not m[2])
    return list(dict.fromkeys(match[1] for match in found))


def filled_line(text: str, values: Mapping[str, str]) -> str:
    """A subject with its values, on one line."""
    return one_line(PLACEHOLDER.sub(lambda m: one_line(values.get(m[1]) or m[2] or ""), text))


def as_plain(text: str, values: Mapping[str, str]) -> str:
    """A Markdown text as plain text, with its values."""
    marked, marks = _marked(text)
    plain = _BLANK_LINES.sub("\n\n", _plain(_MARKDOWN.parse(marked))).strip()
    for mark, (name, word) in marks.items():
        plain = plain.replace(mark, one_line(values.get(name) or word))
    return plain


def as_html(text: str, values: Mapping[str, str]) -> str:
    """A Markdown text as safe HTML, with its values; an address becomes a link.

    Values are put in after Markdown, escaped: they can neither mark up nor lead anywhere.
    """
    marked, marks = _marked(text)
    made = str(texts.markdown(marked))
    for mark, (name, word) in marks.items():
        value = one_line(values.get(name) or word)
        shown = html.escape(value)
        if name in ADDRESSES:
            made = made.replace(f'href="{mark}"', f'href="{shown}"')
            shown = f'<a href="{shown}">{shown}</a>'
        else:
            led = f'href="([^"]*){mark}'
            made = re.sub(led, partial(_led_to, value=quote(value, safe="")), made)
        made = made.replace(mark, shown)
    return made


def _led_to(match: re.Match[str], *, value: str) -> str:
    return f'href="{match[1]}{value}'


def _marked(text: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """The text with a random word for each placeholder, and what each stands for."""
    marks: dict[str, tuple[str, str]] = {}

    def mark(match: re.Match[str]) -> str:
        made = f"mark{secrets.token_hex(12)}x"
        marks[made] = (match[1], match[2] or "")
        return made

    return PLACEHOLDER.sub(mark, text), marks


def _plain(parsed: list[Token]) -> str:
    """Paragraphs apart by an empty line, list items with a dash, addresses after their words."""
    lines: list[str] = []
    depth, number = 0, [0]
    for token in parsed:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
            number.append(0 if token.type == "ordered_list_open" else -1)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
            number.pop()
            lines.append("")
        elif token.type == "list_item_open":
            if number[-1] >= 0:
                number[-1] += 1
            sign = f"{number[-1]}." if number[-1] >= 0 else "-"
            lines.append(f"{'  ' * (depth - 1)}{sign} ")
        elif token.type == "inline":
            said = _inline(token.children or [])
            if lines and lines[-1].endswith(" ") and lines[-1].strip() in ("-", f"{number[-1]}."):
                lines[-1] += said
            else:
                lines.append(said)
            if not depth:
                lines.append("")
        elif token.type in ("fence", "code_block"):
            lines += [token.content.rstrip(), ""]
        elif token.type == "hr":
            lines += ["--", ""]
    return "\n".join(lines)


def _inline(tokens: list[Token]) -> str:
    said, addresses = [], []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            said.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            said.append("\n")
        elif token.type == "link_open":
            addresses.append((len(said), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            start, address = addresses.pop()
            words = "".join(said[start:])
            if address != words:
                said.append(f" ({address})" if "mark" not in address else f": {address}")
    return "".join(said)
