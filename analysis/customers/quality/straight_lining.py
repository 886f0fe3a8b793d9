"""Straight-lining against what careful respondents of this study would do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.customers.quality.attention import Given
from analysis.customers.quality.lines import line_score, matrices, runs_of
from analysis.customers.quality.ordinal import Floats, attained, ordinal_of, tail
from analysis.customers.quality.types import Mark, Rule, unused
from analysis.study.types import Study

DRAWS = 20_000
ENOUGH = 50
"""Respondents on whom shares and correlations of answers must rest."""


def straight_lining(
    study: Study, answers: Mapping[str, Given], *, wanted: float, seed: int
) -> Rule:
    """Who gave the same answer down the matrices more than careful people do by chance.

    The score is the mean over a respondent's matrices of (longest run - 1) / (items - 1). Its null
    is simulated by ``ordinal``, for the matrices that the respondent answered in full.
    """
    looked = matrices(study)
    if not looked:
        return unused("straight_lining", wanted, "no matrix has four items or more")
    runs = {name: found for name, given in answers.items() if (found := runs_of(study, given))}
    if len(runs) < ENOUGH:
        return unused("straight_lining", wanted, f"fewer than {ENOUGH} answered a matrix in full")
    columns = [(question.id, item) for question, items in looked for item in items]
    table = np.array([[_number(answers[name].get(c)) for c in columns] for name in runs])
    asked = ~np.isnan(table).all(axis=0)
    columns = [c for c, there in zip(columns, asked, strict=True) if there]
    drawn = ordinal_of(table[:, asked]).draw(DRAWS, np.random.default_rng(seed))
    nulls = _runs_of_null(drawn, columns)
    scores = {name: line_score(found) for name, found in runs.items()}
    chances = _chances(runs, scores, nulls)
    marks = [
        Mark(name, "straight_lining", _fact(runs[name], chance))
        for name, chance in chances.items()
        if chance <= wanted
    ]
    return Rule(
        "straight_lining",
        wanted,
        attained(np.mean(list(nulls.values()), axis=0), wanted),
        "the same answer runs down the matrices as far as in fewer than "
        f"{100 * wanted:.2g} of 100 careful respondents",
        "careful answers are cut normals with the shares and correlations of this study's own "
        f"answers, straight-liners included ({DRAWS:,} simulated; reversed items make lines rarer)",
        len(runs),
        scores={name: -score for name, score in scores.items()},
        marks=tuple(marks),
    )


def _number(value: str | None) -> float:
    return np.nan if value is None else float(value)


def _runs_of_null(drawn: Floats, columns: list[tuple[str, str]]) -> dict[str, Floats]:
    """By matrix: (longest run - 1) / (items - 1) of each simulated respondent."""
    found = {}
    for name in dict.fromkeys(question for question, _ in columns):
        mine = drawn[:, [k for k, (question, _) in enumerate(columns) if question == name]]
        best = np.ones(len(mine))
        run = np.ones(len(mine))
        for k in range(1, mine.shape[1]):
            run = np.where(mine[:, k] == mine[:, k - 1], run + 1, 1)
            best = np.maximum(best, run)
        found[name] = (best - 1) / max(mine.shape[1] - 1, 1)
    return found


def _chances(
    runs: Mapping[str, dict[str, tuple[int, int]]],
    scores: Mapping[str, float],
    nulls: Mapping[str, Floats],
) -> dict[str, float]:
    by_way: dict[tuple[str, ...], list[str]] = {}
    for name, found in runs.items():
        by_way.setdefault(tuple(found), []).append(name)
    chances: dict[str, float] = {}
    for way, names in by_way.items():
        null = np.mean([nulls[matrix] for matrix in way], axis=0)
        seen = np.array([scores[name] for name in names])
        chances |= dict(zip(names, tail(null, seen).tolist(), strict=True))
    return chances


def _fact(runs: Mapping[str, tuple[int, int]], chance: float) -> str:
    said = ", ".join(f"{run} of {items} alike in {name}" for name, (run, items) in runs.items())
    return f"{said}; chance for a careful respondent {chance:.2g}"
