"""Construct scores on 0 to 100 from rated items, their means and their reliability."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.means import mean_of
from analysis.study import Study
from analysis.study.questions import Asked
from analysis.study.scoring import LEAST_SHARE, item_share

UNIT = "points of 100"


def score_column(construct: str, asked_as: Asked = "perceived") -> str:
    """The column of a construct in the table of scores, such as 'quality.perceived'."""
    return f"{construct}.{asked_as}"


def construct_scores(study: Study, answers: pd.DataFrame) -> pd.DataFrame:
    """Score every construct of every respondent on 0 to 100.

    An item's answer x on a scale from a to b counts 100 (x - a) / (b - a), turned round when the
    item is reversed. A score is the mean of the answered items, given at least half of them.

    Parameters
    ----------
    study
        Says which items measure which construct, asked as desired or perceived.
    answers
        Columns respondent, question, item, value, status; only status 'answered' counts.

    Returns
    -------
    DataFrame
        One row per respondent (index), one column '<construct>.<asked_as>' per construct and
        way of asking that has items; missing where too few items were answered.

    Raises
    ------
    ValueError
        When an answer is not a number of its scale; all are listed.
    """
    respondents = pd.Index(sorted(answers["respondent"].unique()), name="respondent", dtype=str)
    columns: dict[str, pd.Series] = {}
    for construct in study.constructs:
        for asked_as in get_args(Asked):
            if study.items_of(construct.id, asked_as):
                items = item_scores(study, answers, construct.id, asked_as)
                columns[score_column(construct.id, asked_as)] = mean_of_items(items)
    return pd.DataFrame(columns, index=respondents, dtype=float)


def recommendations(study: Study, answers: pd.DataFrame) -> pd.Series | None:
    """The answers of 0 to 10 by respondent; None where the study asks no recommendation."""
    question = study.recommendation()
    if question is None:
        return None
    rows = answers[(answers["question"] == question.id) & (answers["status"] == "answered")]
    return rows.set_index("respondent")["value"].astype(float)


def mean_of_items(items: pd.DataFrame) -> pd.Series:
    """The mean of each respondent's items; missing where fewer than half of them are there."""
    enough = items.notna().mean(axis=1) >= LEAST_SHARE
    return items.mean(axis=1).where(enough)


def item_column(question: str, item: str) -> str:
    """The column of an item in the table of items: 'now.fresh', or 'dear' for a question alone."""
    return f"{question}.{item}" if item else question


def item_scores(
    study: Study,
    answers: pd.DataFrame,
    construct: str,
    asked_as: Asked = "perceived",
    *,
    entry: str | None = None,
) -> pd.DataFrame:
    """Answers to the items of one construct, turned and on 0 to 100.

    ``entry``: as asked of that entry of a loop (a competitor), in place of the own brand.

    Returns
    -------
    DataFrame
        One row per respondent who answered any of them, one column '<question>' or
        '<question>.<item>' per item, missing where not answered.
    """
    answered = answers[answers["status"] == "answered"]
    columns: dict[str, pd.Series] = {}
    faults: list[str] = []
    for question_id, item in study.items_of(construct, asked_as, entry=entry):
        low, high = study.points(study.question(question_id))
        here = (answered["question"] == question_id) & (answered["item"].fillna("") == item.id)
        given = answered[here].set_index("respondent")["value"]
        numbers = pd.to_numeric(given, errors="coerce").astype(float)
        name = item_column(question_id, item.id)
        bad = given[~numbers.between(low, high)]
        faults += [f"respondent {who}, {name}: '{value}'" for who, value in bad.items()]
        share = item_share(numbers, low, high)
        columns[name] = 100 - share if item.reversed else share
    if faults:
        raise ValueError("answers outside their scale:\n- " + "\n- ".join(faults))
    return pd.DataFrame(columns)


def mean_estimate(scores: pd.Series, *, weights: pd.Series | None = None) -> Estimate:
    """Mean of one score per respondent with its t interval.

    With weights (same index), the mean and variance are weighted and n is Kish's effective n.
    """
    return mean_of(scores.dropna(), unit=UNIT, weights=weights)


def reliability(
    study: Study, answers: pd.DataFrame, construct: str, asked_as: Asked = "perceived"
) -> Estimate:
    """Cronbach's alpha of a construct's items with Feldt's 95 % interval.

    alpha = k / (k - 1) (1 - sum of item variances / variance of the sum), over respondents who
    answered all k items. With two items it equals Spearman-Brown's figure when both have the
    same variance; ``method`` says so.

    Source
    ------
    Cronbach (1951), Psychometrika 16; Feldt (1965), Psychometrika 30, 357-370.
    """
    items = item_scores(study, answers, construct, asked_as).dropna()
    return cronbach_alpha(items.to_numpy(dtype=float))


def cronbach_alpha(items: np.ndarray) -> Estimate:
    """Cronbach's alpha of complete answers, shape (respondents, items)."""
    n, k = items.shape
    method = f"Cronbach's alpha of {k} items; Feldt interval"
    if k < 2:
        return unavailable(f"{k} item(s): alpha needs two", n=n, method=method)
    if n < 3:
        return unavailable(f"{n} respondent(s) answered all items", n=n, method=method)
    total = float(items.sum(axis=1).var(ddof=1))
    if total == 0:
        return unavailable("the answers do not vary between respondents", n=n, method=method)
    each = items.var(axis=0, ddof=1)
    alpha = k / (k - 1) * (1 - float(each.sum()) / total)
    f = stats.f(n - 1, (n - 1) * (k - 1))
    if k == 2:
        method += f"; Spearman-Brown {_spearman_brown(items):.2f}"
    return Estimate(
        value=alpha,
        low=1 - (1 - alpha) * float(f.ppf(0.975)),
        high=1 - (1 - alpha) * float(f.ppf(0.025)),
        n=n,
        method=method,
    )


def _spearman_brown(items: np.ndarray) -> float:
    """Reliability of two items together from their correlation r: 2 r / (1 + r)."""
    if (items.std(axis=0) == 0).any():
        return 0.0
    r = float(np.corrcoef(items.T)[0, 1])
    return 2 * r / (1 + r) if r > -1 else -np.inf
