"""Open text that is no language: keys struck at random, or one sign over and over."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist

from analysis.customers.quality.attention import Given
from analysis.customers.quality.spelling import LANGUAGES, spelling
from analysis.customers.quality.types import Mark, Rule, unused
from analysis.study.types import Study

LEAST_LETTERS = 12
"""Letters that a text must have to be judged: a short answer says too little of its language."""
MEAN, SPREAD = -4.1, 2.0
"""Mean log2 chance of a pair in true sentences, and its spread times the root of the letters.
Set so that of the messages of programs in 38 languages, 15 of them not among those known, the
stated rate is exceeded in none (docs/deep-checks.md)."""
MOST_SIGNS = 2
"""A text of so many different signs says nothing, in any script."""


def gibberish(study: Study, answers: Mapping[str, Given], *, wanted: float) -> Rule:
    """Who wrote what is no language; a respondent's several texts share the rate."""
    questions = [q.id for q in study.questions() if q.kind in ("short_text", "long_text")]
    if not questions:
        return unused("gibberish", wanted, "the study has no question with an open text")
    marks, scores = [], {}
    for name, given in answers.items():
        texts = {q: given[q, ""] for q in questions if given.get((q, ""), "").strip()}
        judged = {q: text for q, text in texts.items() if can_be_judged(text)}
        if not judged:
            continue
        worst = {q: distance(text) for q, text in judged.items()}
        scores[name] = min(worst.values())
        limit = NormalDist().inv_cdf(wanted / len(judged))
        if found := [q for q, z in worst.items() if z < limit]:
            fact = "; ".join(f"{q}: “{judged[q][:40]}”" for q in found)
            marks.append(Mark(name, "gibberish", fact))
    if not scores:
        return unused("gibberish", wanted, "no text is long enough to be judged")
    z = NormalDist().inv_cdf(wanted)
    return Rule(
        "gibberish",
        wanted,
        wanted,
        f"a text of {LEAST_LETTERS} letters or more lies {-z:.1f} spreads below what its best "
        f"fitting of {len(LANGUAGES)} languages gives, or has at most {MOST_SIGNS} different signs",
        "true sentences in Latin letters; other scripts, shorter texts, addresses and codes are "
        "never judged by spelling",
        len(scores),
        scores=scores,
        marks=tuple(marks),
    )


def can_be_judged(text: str) -> bool:
    """Whether a text is long enough, and in a script whose spelling is known (or one sign)."""
    signs = [sign for sign in text.casefold() if sign.isalpha()]
    if len(signs) < LEAST_LETTERS:
        return False
    letters = spelling(text)[1]
    return letters >= max(LEAST_LETTERS, 0.8 * len(signs)) or len(set(signs)) <= MOST_SIGNS


def distance(text: str) -> float:
    """How far a text lies from true sentences, in spreads; below zero: less like a language."""
    signs = {sign for sign in text.casefold() if sign.isalpha()}
    if len(signs) <= MOST_SIGNS:
        return -9.0
    mean, letters = spelling(text)
    return (mean - MEAN) * sqrt(letters) / SPREAD
