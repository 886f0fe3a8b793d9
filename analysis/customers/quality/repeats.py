"""The same item, or the same choice task, asked twice and answered differently."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binom

from analysis.customers.quality.attention import Given
from analysis.customers.quality.ordinal import Floats, Ordinal, attained, ordinal_of, tail
from analysis.customers.quality.types import Mark, Rule, unused
from analysis.study.quality import named_item
from analysis.study.types import Study

DRAWS = 20_000
ENOUGH = 50


def repeats(study: Study, answers: Mapping[str, Given], *, wanted: float, seed: int) -> Rule:
    """Whose answers to the items that were asked twice lie further apart than retests do.

    The score is the mean distance over the pairs, as a share of the scale. In its null both answers
    come from one opinion: normals that correlate by the plan's ``retest``, cut into the shares of
    answers that this study has.
    """
    pairs = study.analysis.quality.repeats
    if not pairs:
        return unused("repeats", wanted, "the plan names no item that was asked twice")
    names = [named_item(name) for pair in pairs for name in pair]
    table = {
        name: [float(given[key]) if key in given else np.nan for key in names]
        for name, given in answers.items()
    }
    full = {name: row for name, row in table.items() if not np.isnan(row).any()}
    if len(full) < ENOUGH:
        return unused("repeats", wanted, f"fewer than {ENOUGH} answered all items asked twice")
    given = np.array(list(full.values()))
    widths = [np.subtract(*study.points(study.question(q))[::-1]) for q, _ in names[::2]]
    scale = np.array(widths, dtype=float)
    seen = _distance(given, scale)
    retest = study.analysis.quality.retest
    null = _distance(_retested(given, retest, np.random.default_rng(seed)), scale)
    chances = tail(null, seen)
    scores = dict(zip(full, (-seen).tolist(), strict=True))
    marks = tuple(
        Mark(name, "repeats", f"{100 * distance:.0f} % of the scale apart, chance {chance:.2g}")
        for name, distance, chance in zip(full, seen, chances, strict=True)
        if chance <= wanted
    )
    rule = f"further apart than {100 - 100 * wanted:.3g} of 100 careful respondents"
    how = f"both answers are cuts of normals that correlate by {retest:g}, with this study's shares"
    rate = attained(null, wanted)
    return Rule("repeats", wanted, rate, rule, how, len(full), scores=scores, marks=marks)


def _distance(table: Floats, scale: Floats) -> Floats:
    apart: Floats = (np.abs(table[:, 0::2] - table[:, 1::2]) / scale).mean(axis=1)
    return apart


def _retested(given: Floats, retest: float, rng: np.random.Generator) -> Floats:
    """Simulated answers (draws, 2 x pairs): the pairs are independent of each other."""
    fitted = ordinal_of(given)
    correlation = np.eye(given.shape[1])
    first = np.arange(0, given.shape[1], 2)
    correlation[first, first + 1] = correlation[first + 1, first] = retest
    return Ordinal(fitted.values, fitted.cuts, correlation).draw(DRAWS, rng)


def repeated_tasks(choices: Mapping[str, pd.DataFrame], *, wanted: float) -> Rule:
    """Who chose differently in tasks that were shown twice, more often than most do.

    The null is that everybody repeats a choice with the same chance, that of all respondents
    together: random responders in it lower it, so that the rate is an upper one.
    """
    same: dict[str, list[bool]] = {}
    for frame in choices.values():
        for name, agreed in _agreements(frame).items():
            same.setdefault(name, []).extend(agreed)
    if not same:
        return unused("repeated_tasks", wanted, "no choice task was shown twice")
    repeated = {name: (sum(found), len(found)) for name, found in same.items()}
    chance = sum(n for n, _ in repeated.values()) / sum(k for _, k in repeated.values())
    chances = {name: float(binom.cdf(n, k, chance)) for name, (n, k) in repeated.items()}
    most = max(k for _, k in repeated.values())
    if (1 - chance) ** most > wanted:
        why = (
            f"{most} repeated task{'s are' if most > 1 else ' is'} too few: "
            f"{100 * (1 - chance):.0f} of 100 choices are not repeated even so"
        )
        return unused("repeated_tasks", wanted, why)
    marks = tuple(
        Mark(name, "repeated_tasks", f"{repeated[name][0]} of {repeated[name][1]} choices repeated")
        for name, p in chances.items()
        if p <= wanted
    )
    rate = max(_largest_below(k, chance, wanted) for _, k in repeated.values())
    return Rule(
        "repeated_tasks",
        wanted,
        rate,
        f"fewer choices repeated than by {100 - 100 * wanted:.3g} of 100 careful respondents",
        f"everybody repeats a choice with the chance of all together, {chance:.2f}",
        len(repeated),
        scores={name: n / k for name, (n, k) in repeated.items()},
        marks=marks,
    )


def _largest_below(tasks: int, chance: float, wanted: float) -> float:
    tails = binom.cdf(np.arange(tasks + 1), tasks, chance)
    return float(tails[tails <= wanted].max(initial=0.0))


def _agreements(frame: pd.DataFrame) -> dict[str, list[bool]]:
    """By respondent: whether the same alternative was chosen in each task shown again."""
    fixed = {"respondent", "exercise", "block", "task", "alternative", "chosen", "role",
             "position", "bought"}  # fmt: skip
    attributes = [c for c in frame.columns if c not in fixed]
    if frame.empty or "chosen" not in frame.columns or not attributes:
        return {}
    levels = frame[attributes].astype(object).where(frame[attributes].notna(), "")
    profile, *others = (levels[column].astype(str) for column in attributes)
    for other in others:
        profile = profile + "|" + other
    rows = frame[["respondent", "task", "chosen"]].assign(profile=profile)
    keys = ["respondent", "task"]
    shown = rows.sort_values("profile").groupby(keys)["profile"].agg("||".join).rename("shown")
    picked = rows[rows["chosen"] == 1].set_index(keys)["profile"].rename("picked")
    tasks = pd.concat([shown, picked], axis=1).dropna().reset_index()
    tasks = tasks[tasks.duplicated(["respondent", "shown"], keep=False)].sort_values("task")
    found: dict[str, list[bool]] = {}
    for (name, _), group in tasks.groupby(["respondent", "shown"]):
        first = group["picked"].iloc[0]
        found.setdefault(str(name), []).extend((group["picked"].iloc[1:] == first).tolist())
    return found
