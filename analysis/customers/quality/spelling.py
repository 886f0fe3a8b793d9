"""How likely a text is spelt in some language: pairs of letters of many languages.

The pairs are counted in the names of languages, countries, days, months and units that Babel
carries (Unicode CLDR), folded to plain Latin letters; a text is judged by the language that suits
it best, so that an answer in another language than the study's is no gibberish. Texts in other
scripts are not judged by spelling at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro",
    "hr", "sl", "tr", "id", "ca", "et", "lt", "lv", "eu", "cy", "sw", "vi", "fil", "sq",
)  # fmt: skip
"""Languages in Latin letters whose spelling is known."""
LETTERS = 26
EDGE = 26
"""The sign before and after every word."""
_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d",
                         "þ": "th", "ı": "i"})  # fmt: skip

Table = NDArray[np.float64]


def words(text: str) -> list[str]:
    """The words of a text in plain lower-case Latin letters; addresses, codes and names with
    digits are left out, and so is everything in other scripts."""
    found = []
    for token in re.split(r"[\s,;:!?()\[\]\"'’“”„/–—-]+", text):
        if re.search(r"[\d@_\\#]|\w\.\w", token):
            continue
        plain = unicodedata.normalize("NFKD", token.casefold().translate(_FOLDED))
        plain = "".join(sign for sign in plain if sign.isalpha())
        if plain and plain.isascii():
            found.append(plain)
    return found


def transitions(word: str) -> NDArray[np.int64]:
    """The pairs of neighbouring signs of a word, its edges included, as numbers."""
    codes = np.array([EDGE, *(ord(sign) - 97 for sign in word), EDGE])
    found: NDArray[np.int64] = codes[:-1] * (LETTERS + 1) + codes[1:]
    return found


@lru_cache(maxsize=1)
def tables() -> NDArray[np.float64]:
    """Log2 chance of every pair given its first sign, (languages, 27 * 27)."""
    return np.stack([_table(names(language)) for language in LANGUAGES])


def _table(texts: Iterable[str]) -> Table:
    size = LETTERS + 1
    counts = np.full(size * size, 0.1)
    for text in texts:
        for word in words(text):
            np.add.at(counts, transitions(word), 1.0)
    square = counts.reshape(size, size)
    found: Table = np.log2(square / square.sum(axis=1, keepdims=True)).ravel()
    return found


def names(language: str) -> Iterator[str]:
    """Names in a language: of languages, countries, days, months, units."""
    from babel import Locale

    locale = Locale.parse(language)
    yield from locale.languages.values()
    yield from locale.territories.values()
    yield from locale.currencies.values()
    for group in (locale.days, locale.months):
        yield from group["format"]["wide"].values()
    for unit in locale._data["unit_patterns"].values():
        for forms in unit.get("long", {}).values():
            yield from (form.replace("{0}", "") for form in _strings(forms))


def _strings(forms: object) -> list[str]:
    if isinstance(forms, str):
        return [forms]
    return [f for f in forms.values() if isinstance(f, str)] if isinstance(forms, dict) else []


def spelling(text: str) -> tuple[float, int]:
    """Mean log2 chance of the pairs in the language that suits best, and how many letters."""
    found = words(text)
    if not found:
        return 0.0, 0
    pairs = np.concatenate([transitions(word) for word in found])
    return float(tables()[:, pairs].mean(axis=1).max()), sum(map(len, found))
