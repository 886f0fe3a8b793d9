"""Banner tables: every question by groups of respondents, tested with care for their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate
from analysis.ratings.between_groups import (
    LEAST_GROUP,
    Difference,
    by_group,
    differences,
    holm,
    together,
)
from analysis.ratings.between_groups import independence as independent
from analysis.ratings.means import mean_of, share_estimate, unit_of
from analysis.ratings.nps import effective_n
from analysis.study import Study
from analysis.study.piping import words_of
from analysis.study.questions import NUMERIC_KINDS, MultipleChoice, Question, SingleChoice


@dataclass(frozen=True, slots=True)
class BannerRow:
    """One option or item: its figure in every group, and the differences clear of zero.

    The intervals of these hold together with those of all pairs of groups of the row.
    """

    label: str
    figures: Mapping[str, Estimate]
    clear: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class BannerTable:
    """One question (of a matrix, one item) by group.

    Attributes
    ----------
    p
        Of the hypothesis that all groups answer alike, adjusted by Holm over all tables of the
        banner; None where it cannot be tested.
    test
        Which test that is.
    """

    question: str
    item: str
    text: str
    rows: tuple[BannerRow, ...]
    p: float | None
    test: str


def banner(
    study: Study,
    answers: pd.DataFrame,
    groups: pd.Series,
    *,
    weights: pd.Series | None = None,
) -> tuple[BannerTable, ...]:
    """Cross every question that has options or numbers with groups of respondents.

    A question is tested as a whole (chi-squared, or Welch's test of means); Holm's adjustment
    over all questions. Only where a question passes are its groups compared pair by pair, with
    simultaneous intervals within a row. Groups of fewer than ten are not shown and not tested.

    Parameters
    ----------
    answers
        Columns respondent, question, item, value, status.
    groups
        Index respondent: the group of each; who has none is left out.
    weights
        Index respondent; variances then rest on Kish's effective n.
    """
    known = groups.dropna().astype(str)
    sizes = known.value_counts()
    large = known[known.isin(sizes[sizes >= LEAST_GROUP].index)]
    by_question = dict(tuple(answers[answers["status"] == "answered"].groupby("question")))
    tables = []
    for question in study.questions():
        rows = by_question.get(question.id)
        if rows is None:
            continue
        if isinstance(question, SingleChoice | MultipleChoice):
            tables.append(_of_options(question, rows, known, large, weights))
        elif question.kind in NUMERIC_KINDS:
            tables += _of_numbers(question, rows, known, large, weights)
    adjusted = holm([table.p for table in tables])
    return tuple(
        replace(
            table,
            text=words_of(study, study.question(table.question)),
            p=p,
            rows=table.rows if p is not None and p < 0.05 else _untested(table),
        )
        for table, p in zip(tables, adjusted, strict=True)
    )


def _untested(table: BannerTable) -> tuple[BannerRow, ...]:
    return tuple(replace(row, clear=()) for row in table.rows)


def _of_options(
    question: SingleChoice | MultipleChoice,
    rows: pd.DataFrame,
    known: pd.Series,
    large: pd.Series,
    weights: pd.Series | None,
) -> BannerTable:
    several = isinstance(question, MultipleChoice)
    made, chosen_of = [], {}
    for option in question.options:
        if several:
            given = rows[rows["item"] == option.id].set_index("respondent")["value"]
            chosen = (given == "1").astype(float)
        else:
            chosen = (rows.set_index("respondent")["value"] == option.id).astype(float)
        chosen_of[option.id] = chosen
        figures = by_group(chosen, known, lambda x: share_estimate(x, weights=weights))
        clear = _clear(chosen, large, weights, "share")
        made.append(BannerRow(option.label.say(), figures, clear))
    test = "chi-squared"
    if several:
        ps = [_alike(chosen.to_frame(), large, weights) for chosen in chosen_of.values()]
        known_ps = [p for p in holm(ps) if p is not None]
        p, test = (min(known_ps) if known_ps else None), "chi-squared of every option, Holm"
    else:
        p = _alike(pd.DataFrame(chosen_of), large, weights)
    return BannerTable(question.id, "", question.text.say(), tuple(made), p, test)


def _of_numbers(
    question: Question,
    rows: pd.DataFrame,
    known: pd.Series,
    large: pd.Series,
    weights: pd.Series | None,
) -> list[BannerTable]:
    names = {item.id: item.text.say() for item in question.rated_items()}
    names |= {option.id: option.label.say() for option in getattr(question, "options", ())}
    found = []
    for item in question.storable():
        given = rows[rows["item"].fillna("") == item].set_index("respondent")["value"]
        numbers = pd.to_numeric(given, errors="coerce").astype(float).dropna()
        label = names.get(item, "") if item else ""
        unit = unit_of(numbers, question)
        of = partial(mean_of, unit=unit, weights=weights)
        figures = by_group(numbers, known, of)
        row = BannerRow(label or question.text.say(), figures, _clear(numbers, large, weights, ""))
        p = _equal_means(numbers, large, weights)
        text = question.text.say()
        found.append(BannerTable(question.id, item, text, (row,), p, "Welch's test of means"))
    return found


def _clear(
    values: pd.Series, groups: pd.Series, weights: pd.Series | None, unit: str
) -> tuple[Difference, ...]:
    kept = values[values.index.isin(groups.index)]
    found = together(differences(kept, groups, weights=weights, unit=unit))
    return tuple(difference for difference in found if difference.clear)


def _alike(chosen: pd.DataFrame, groups: pd.Series, weights: pd.Series | None) -> float | None:
    """p-value that the options were chosen as often in every group."""
    here = chosen.loc[chosen.index.isin(groups.index)]
    if here.empty:
        return None
    weight = pd.Series(1.0, index=here.index) if weights is None else weights.loc[here.index]
    counts = here.mul(weight, axis=0).groupby(groups.loc[here.index]).sum()
    if counts.shape[1] == 1:
        total = weight.groupby(groups.loc[here.index]).sum()
        counts = counts.assign(other=total - counts.iloc[:, 0])
    deflate = effective_n(weight.to_numpy(dtype=float)) / float(weight.sum())
    return independent(counts.to_numpy(dtype=float), deflate=deflate)


def _equal_means(values: pd.Series, groups: pd.Series, weights: pd.Series | None) -> float | None:
    """p-value of Welch's (1951) test that all groups have the same mean."""
    here = values[values.index.isin(groups.index)]
    parts = [part for _, part in here.groupby(groups.loc[here.index]) if len(part) >= LEAST_GROUP]
    figures = []
    for part in parts:
        x = part.to_numpy(dtype=float)
        w = np.ones(len(x)) if weights is None else weights.loc[part.index].to_numpy(dtype=float)
        mean, size = float(np.average(x, weights=w)), effective_n(w)
        variance = float(np.average((x - mean) ** 2, weights=w)) * size / (size - 1)
        figures.append((mean, variance / size, size))
    if len(figures) < 2 or any(error <= 1e-18 for _, error, _ in figures):
        return None
    means, errors, sizes = np.array(figures).T
    k, share = len(means), (1 / errors) / (1 / errors).sum()
    between = float(((means - (share * means).sum()) ** 2 / errors).sum()) / (k - 1)
    off = float(((1 - share) ** 2 / (sizes - 1)).sum())
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * off)
    return float(stats.f.sf(statistic, k - 1, (k**2 - 1) / (3 * off)))
