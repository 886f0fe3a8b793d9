"""Attention items: questions whose right answer is printed in the study. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb

from analysis.customers.quality.types import Mark, Rule, unused
from analysis.study.quality_checks import expected_answers
from analysis.study.types import Study

Given = Mapping[tuple[str, str], str]
"""Answers of one respondent: (question, item) to value; those not answered are absent."""


def missed(study: Study, given: Given) -> tuple[list[str], int]:
    """The attention items that a respondent missed, and how many were answered."""
    kinds = {question.id: question.kind for question in study.questions()}
    names, answered = [], 0
    for (question, item), values in expected_answers(study).items():
        if kinds[question] == "multiple_choice":
            ticks = {i: v for (q, i), v in given.items() if q == question}
            if not ticks:
                continue
            right = {i for i, v in ticks.items() if v == "1"} == set(values)
        elif (question, item) in given:
            right = _same(given[question, item], values)
        else:
            continue
        answered += 1
        if not right:
            names.append(f"{question}.{item}" if item else question)
    return names, answered


def _same(value: str, expected: tuple[str, ...]) -> bool:
    return value.strip().casefold() in {one.strip().casefold() for one in expected}


def needed(items: int, slips: float, wanted: float) -> int:
    """Items missed from which careful respondents, who slip by chance, are rarer than wanted.

    All of them where even that is not rare enough.
    """
    return next((k for k in range(1, items + 1) if _tail(items, slips, k) <= wanted), items)


def _tail(items: int, slips: float, least: int) -> float:
    return sum(
        comb(items, k) * slips**k * (1 - slips) ** (items - k) for k in range(least, items + 1)
    )


def attention(study: Study, answers: Mapping[str, Given], *, wanted: float) -> Rule:
    """Who missed attention items; ``answers`` by respondent."""
    if not expected_answers(study):
        return unused("attention", wanted, "the study has no attention item ('expects')")
    slips = study.analysis.quality.slips
    marks, scores, worst = [], {}, 0.0
    for name, given in answers.items():
        names, answered = missed(study, given)
        if not answered:
            continue
        least = needed(answered, slips, wanted)
        worst = max(worst, _tail(answered, slips, least))
        scores[name] = -float(len(names))
        if len(names) >= least:
            marks.append(Mark(name, "attention", f"missed {', '.join(names)}"))
    if not scores:
        return unused("attention", wanted, "nobody answered an attention item")
    most = max(needed(missed(study, answers[n])[1], slips, wanted) for n in scores)
    rule = f"at least {most} attention item{'s' if most > 1 else ''} missed"
    null = f"a careful respondent slips on one item in {1 / slips:.0f}, on each by itself"
    return Rule("attention", wanted, worst, rule, null, len(scores), "", scores, None, tuple(marks))
