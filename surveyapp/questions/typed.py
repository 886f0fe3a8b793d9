"""Numbers as respondents type them: digits of any script, and the signs of their language."""

from __future__ import annotations

import re

from babel import numbers

from surveyapp import languages
from surveyapp.languages import gettext

_PLAIN = re.compile(r"[+-]?[0-9]+")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:[.,'][0-9]{3})+")
_SIGNS = str.maketrans({"−": "-", "٫": ".", "٬": "'", "’": "'"})
_SPACES = re.compile(r"[\s\u200e\u200f\u061c]+")


class Unclear(ValueError):
    """A number that can be read in two ways; the message asks which is meant."""


def whole_number(typed: str) -> str:
    """A whole number as it is stored, from one that may be typed in other digits."""
    plain = _plain(typed)
    return plain if _PLAIN.fullmatch(plain) else typed


def any_number(typed: str, *, language: str, whole: bool) -> str:
    """A number with a point as it is stored, from one typed as the language writes numbers.

    What is no number comes back as it is.

    Raises
    ------
    Unclear
        For '1.234' in German or '1,234' in English, which are 1234 by the rules of the language,
        but often typed to mean something else.
    """
    plain = _plain(typed)
    points, commas, strokes = (plain.count(sign) for sign in ".,'")
    if not (points or commas or strokes):
        return plain if _PLAIN.fullmatch(plain) else typed
    if strokes or (points and commas) or max(points, commas) > 1:
        return _with_groups(plain, typed)
    sign = "." if points else ","
    before, _, after = plain.partition(sign)
    grouped = re.fullmatch(r"[+-]?[1-9][0-9]{0,2}", before) and re.fullmatch(r"[0-9]{3}", after)
    if not grouped or sign == _decimal(language):
        return f"{before or '0'}.{after}" if after else typed
    if whole:
        return before + after
    fraction = f"{before}{_decimal(language)}{after}"
    raise Unclear(
        gettext(
            "“%(typed)s” can be read in two ways: write %(whole)s or %(fraction)s",
            typed=typed,
            whole=before + after,
            fraction=fraction,
        )
    )


def written(value: str, language: str) -> str:
    """A stored number as the language types it, without groups of digits."""
    fraction = re.fullmatch(r"-?[0-9]+\.[0-9]+", value)
    return value.replace(".", _decimal(language)) if fraction else value


def _plain(typed: str) -> str:
    """The number in ASCII digits, without spaces."""
    bare = _SPACES.sub("", typed).translate(_SIGNS)
    return "".join(str(int(x)) if x.isdecimal() else x for x in bare)


def _with_groups(plain: str, typed: str) -> str:
    """A number with several signs: groups of three, then perhaps a fraction."""
    head, tail = plain, ""
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0 and plain.count(plain[last]) == 1:
        head, tail = plain[:last], plain[last + 1 :]
        if not re.fullmatch(r"[0-9]+", tail):
            return typed
    whole = re.sub(r"[.,']", "", head)
    used = set(re.findall(r"[.,']", head))
    if len(used) != 1 or not _GROUPED.fullmatch(head):
        return typed
    return f"{whole}.{tail}" if tail else whole


def _decimal(language: str) -> str:
    return numbers.get_decimal_symbol(languages.locale_of(language), numbering_system="latn")
