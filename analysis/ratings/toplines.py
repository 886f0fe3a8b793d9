"""What was answered to each question: shares of options, means, and who did not answer."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.estimate import Estimate
from analysis.ratings.means import mean_of, share_estimate, unit_of
from analysis.study import Study
from analysis.study.piping import words_of
from analysis.study.questions import NUMERIC_KINDS, MultipleChoice, Question, SingleChoice


@dataclass(frozen=True, slots=True)
class Line:
    """One option with its share, or one rated or counted item with its mean."""

    label: str
    count: int
    """Who chose the option; of a mean, who answered."""
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Topline:
    """The answers to one question of a kind with options or numbers.

    ``answered``, ``skipped`` and ``refused`` count respondents; who was not asked is in none.
    """

    question: str
    text: str
    answered: int
    skipped: int
    refused: int
    lines: tuple[Line, ...]


def toplines(
    study: Study, answers: pd.DataFrame, *, weights: pd.Series | None = None
) -> tuple[Topline, ...]:
    """Every question with options or numbers that somebody was asked, in the study's order.

    Parameters
    ----------
    answers
        Columns respondent, question, item, value, status.
    weights
        Index respondent; None when all weigh the same.
    """
    by_question = dict(tuple(answers.groupby("question")))
    found = []
    for question in study.questions():
        rows = by_question.get(question.id)
        if rows is not None and (question.kind in NUMERIC_KINDS or _options(question)):
            found.append(_topline(study, question, rows, weights))
    return tuple(found)


def _topline(
    study: Study, question: Question, rows: pd.DataFrame, weights: pd.Series | None
) -> Topline:
    status = rows.groupby("status")["respondent"].nunique()
    answered = rows[rows["status"] == "answered"]
    lines = (
        _option_lines(question, answered, weights)
        if _options(question)
        else _mean_lines(study, question, answered, weights)
    )
    return Topline(
        question.id,
        words_of(study, question),
        int(status.get("answered", 0)),
        int(status.get("skipped", 0)),
        int(status.get("refused", 0)),
        lines,
    )


def _options(question: Question) -> bool:
    return isinstance(question, SingleChoice | MultipleChoice)


def _option_lines(
    question: Question, answered: pd.DataFrame, weights: pd.Series | None
) -> tuple[Line, ...]:
    lines = []
    for option in getattr(question, "options", ()):
        if isinstance(question, MultipleChoice):
            given = answered[answered["item"] == option.id].set_index("respondent")["value"]
            chosen = given == "1"
        else:
            chosen = answered.set_index("respondent")["value"] == option.id
        estimate = share_estimate(chosen, weights=weights)
        lines.append(Line(option.label.say(), int(chosen.sum()), estimate))
    return tuple(lines)


def _mean_lines(
    study: Study, question: Question, answered: pd.DataFrame, weights: pd.Series | None
) -> tuple[Line, ...]:
    names = {item.id: item.text.say() for item in question.rated_items()}
    names |= {option.id: option.label.say() for option in getattr(question, "options", ())}
    lines = []
    for item in question.storable():
        given = answered[answered["item"].fillna("") == item].set_index("respondent")["value"]
        numbers = pd.to_numeric(given, errors="coerce").astype(float).dropna()
        label = names.get(item) if item else None
        estimate = mean_of(numbers, unit=_unit(study, question, numbers), weights=weights)
        lines.append(Line(label or question.text.say(), len(numbers), estimate))
    return tuple(lines)


def _unit(study: Study, question: Question, numbers: pd.Series) -> str:
    try:
        low, high = study.points(question)
    except TypeError:
        return unit_of(numbers, question)
    return f"on {low} to {high}"
