"""The languages of respondents' pages: which one is spoken, and how texts and numbers look in it.

The app's own words are English in the source and translated in ``translations/``; the words of a
study come from its file. Staff pages are in English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache

import flask_babel
from babel import Locale, UnknownLocaleError, dates, numbers
from flask import Flask, g, has_app_context, request
from markupsafe import Markup, escape

from analysis.study.piping import Piped
from analysis.study.texts import SHIPPED, Text
from surveyapp.settings import PACKAGE

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})


def set_up(app: Flask) -> None:
    """Let the app speak the language of each request; English until one is chosen."""
    flask_babel.Babel(
        app,
        locale_selector=lambda: locale_of(g.get("spoken", "en")),
        default_translation_directories=str(PACKAGE / "translations"),
    )


def speak(language: str) -> None:
    """Answer the rest of this request in a language."""
    g.spoken = language
    flask_babel.refresh()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for a while: a page of a study among pages of staff."""
    with flask_babel.force_locale(str(locale_of(language))):
        yield


def gettext(message: str, **facts: object) -> str:
    """One of the app's own sentences in the language of the request, its gaps filled in."""
    said: str = flask_babel.get_translations().gettext(message) if has_app_context() else message
    return said % facts if facts else said


def ngettext(one: str, many: str, count: int, **facts: object) -> str:
    """A sentence about a number of things; ``count`` also fills the gap ``%(count)s``."""
    said: str
    if has_app_context():
        said = flask_babel.get_translations().ngettext(one, many, count)
    else:
        said = one if count == 1 else many
    return said % {"count": count, **facts}


def noted(message: str) -> str:
    """Marks a sentence that is translated later, where it is said."""
    return message


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """How a language writes numbers and dates; English for one that nobody has described."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        base = language.partition("-")[0]
        return locale_of(base) if base != language else Locale("en")


def direction(language: str) -> str:
    """The direction in which a language is written: ltr or rtl."""
    return "rtl" if language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def name_of(language: str) -> str:
    """What a language calls itself, such as 'Deutsch'."""
    found = locale_of(language)
    known = found.language == language.partition("-")[0]
    name = found.get_display_name(found) if known else None
    return name[0].upper() + name[1:] if name else language


def wanted(languages: Sequence[str]) -> str:
    """The language to start with: of the link (``?lang=de``), else of the browser, else the first.

    ``languages`` are those on offer, the default first.
    """
    asked = request.args.get("lang", "")
    if asked in languages:
        return asked
    return request.accept_languages.best_match(languages) or languages[0]


def wanted_of_shipped() -> str:
    """The language of a page without a study."""
    return wanted(SHIPPED)


class Said(str):
    """A text of a study; where its language is not that of the page, the page says so."""

    __slots__ = ("language", "piped")
    language: str
    """Empty: the language of the page."""
    piped: Piped | None
    """The text with its places apart, where earlier answers stand in it."""

    def __new__(cls, text: str, language: str = "") -> Said:
        """Make one."""
        made = super().__new__(cls, text)
        made.language = language
        made.piped = text if isinstance(text, Piped) else None
        return made

    def __html__(self) -> str:
        """The text as HTML."""
        plain = escape(str(self))
        if not self.language:
            return plain
        return Markup('<span lang="{}" dir="{}">{}</span>').format(
            self.language, direction(self.language), plain
        )

    def __str__(self) -> str:
        """The text alone."""
        return "".join(self)


def say(text: Text | None, language: str, default: str, fill: Callable[[str], str] = str) -> Said:
    """A text of a study in a language, else in its default one; empty when there is none.

    ``fill`` puts earlier answers into it.
    """
    if text is None:
        return Said("")
    found, spoken = text.spoken(language, default)
    same = spoken.partition("-")[0] == language.partition("-")[0]
    return Said(fill(found), "" if same or not spoken else spoken)


def number(value: float, language: str) -> str:
    """A number as the language writes it."""
    return numbers.format_decimal(value, locale=locale_of(language), decimal_quantization=False)


def money(value: float, currency: str, language: str) -> str:
    """An amount of money as the language writes it."""
    return numbers.format_currency(value, currency, locale=locale_of(language))


def day(value: date, language: str) -> str:
    """A day as the language writes it."""
    return dates.format_date(value, "medium", locale=locale_of(language))


def moment(value: str, language: str) -> str:
    """A stored time as the language writes it, in UTC."""
    found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    said = dates.format_datetime(found, "medium", tzinfo=dates.UTC, locale=locale_of(language))
    return f"{said} UTC"
