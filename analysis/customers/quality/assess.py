"""All flags on all respondents of a report, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import pandas as pd

from analysis.choices.partworths import PartWorths
from analysis.customers.quality.attention import Given, attention
from analysis.customers.quality.consistency import consistency
from analysis.customers.quality.duplicates import duplicates
from analysis.customers.quality.gibberish import gibberish
from analysis.customers.quality.lines import matrices
from analysis.customers.quality.repeats import repeated_tasks, repeats
from analysis.customers.quality.speed import Times, is_task, speeding
from analysis.customers.quality.straight_lining import straight_lining
from analysis.customers.quality.types import Rule, unused
from analysis.study.quality import FLAG_NAMES, FlagName
from analysis.study.quality_checks import expected_answers
from analysis.study.types import Study
from analysis.tables import Choices

NO_CHOICES = "there is no fit of choices, by which consistency could be told"


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What is judged: the respondents of a report and all that they left.

    Attributes
    ----------
    respondents
        One row each, with respondent, started and customer.
    answers
        By respondent: (question, item) to value, of what was answered.
    choices
        Tables of choice exercises.
    times
        Seconds by respondent and step, where they are known.
    """

    study: Study
    respondents: pd.DataFrame
    answers: Mapping[str, Given]
    choices: Mapping[str, pd.DataFrame]
    times: Times


@dataclass(frozen=True, slots=True, eq=False)
class Assessed:
    """Rules and flags.

    Attributes
    ----------
    rules
        One per flag, used or not.
    flags
        Indexed by respondent (all of them): one column per flag, True, False, or missing where the
        respondent could not be judged; then flags (names, in one text) and facts.
    """

    rules: tuple[Rule, ...]
    flags: pd.DataFrame

    @property
    def used(self) -> tuple[Rule, ...]:
        """The rules that were applied."""
        return tuple(rule for rule in self.rules if not rule.unused)

    @property
    def overall(self) -> float:
        """The share of careful respondents with any flag, at most: the sum of the rates."""
        return min(sum(rule.rate or 0.0 for rule in self.used), 1.0)

    @property
    def overall_if_independent(self) -> float:
        """The same if the flags hit careful respondents independently of each other."""
        return 1 - prod(1 - (rule.rate or 0.0) for rule in self.used)

    def flagged(self, flags: tuple[FlagName, ...] = FLAG_NAMES) -> frozenset[str]:
        """Respondents who carry one of some flags."""
        hit = self.flags[list(flags)].eq(True).any(axis=1) if flags else None
        return frozenset() if hit is None else frozenset(map(str, hit.index[hit]))


def assess(
    answered: Answered,
    *,
    seed: int,
    fit: tuple[PartWorths, Choices] | None = None,
    no_fit: str = NO_CHOICES,
) -> Assessed:
    """Look for all flags.

    Parameters
    ----------
    answered
        Respondents who completed.
    seed
        Of the simulated nulls.
    fit
        Part-worths by an aggregate logit or hierarchical Bayes, with the choices they were fitted
        to.
    no_fit
        Why there is none.

    Notes
    -----
    The plan's ``error_rate`` is divided evenly among the flags that this study can have, so that
    all together hit at most that share of careful respondents (Bonferroni), however they hang
    together.
    """
    study = answered.study
    looks = _looks(answered, seed, fit)
    wanted = study.analysis.quality.error_rate / max(len(looks), 1)
    found = []
    for flag in FLAG_NAMES:
        if flag in looks:
            found.append(looks[flag](wanted))
        else:
            found.append(unused(flag, wanted, _why(flag) if flag != "consistency" else no_fit))
    names = [str(name) for name in answered.respondents["respondent"]]
    return Assessed(tuple(found), _table(found, names))


Look = Callable[[float], Rule]


def _looks(
    answered: Answered, seed: int, fit: tuple[PartWorths, Choices] | None
) -> dict[FlagName, Look]:
    study, answers, times = answered.study, answered.answers, answered.times
    steps = {step for found in times.values() for step in found}
    choices = {n: f for n, f in answered.choices.items() if "chosen" in f.columns and len(f)}
    texts = any(q.kind in ("short_text", "long_text") for q in study.questions())
    offered: dict[FlagName, tuple[bool, Look]] = {
        "speeding": (
            any(not is_task(step) for step in steps),
            lambda w: speeding(study, times, "speeding", wanted=w),
        ),
        "speeding_tasks": (
            any(is_task(step) for step in steps),
            lambda w: speeding(study, times, "speeding_tasks", wanted=w),
        ),
        "straight_lining": (
            bool(matrices(study)),
            lambda w: straight_lining(study, answers, wanted=w, seed=seed),
        ),
        "attention": (
            bool(expected_answers(study)),
            lambda w: attention(study, answers, wanted=w),
        ),
        "repeats": (
            bool(study.analysis.quality.repeats),
            lambda w: repeats(study, answers, wanted=w, seed=seed),
        ),
        "repeated_tasks": (
            not repeated_tasks(choices, wanted=1.0).unused,
            lambda w: repeated_tasks(choices, wanted=w),
        ),
        "duplicates": (
            True,
            lambda w: duplicates(
                study, answered.respondents, answers, choices, wanted=w, seed=seed
            ),
        ),
        "gibberish": (texts, lambda w: gibberish(study, answers, wanted=w)),
    }
    if fit is not None:
        fitted, shown = fit
        offered["consistency"] = (
            True,
            lambda w: consistency(fitted, shown, wanted=w, seed=seed),
        )
    return {flag: look for flag, (there, look) in offered.items() if there}


def _why(flag: FlagName) -> str:
    return {
        "speeding": "the times of pages of questions are not known",
        "speeding_tasks": "the times of tasks are not known",
        "straight_lining": "no matrix has four items or more",
        "attention": "the study has no attention item ('expects')",
        "repeats": "the plan names no item that was asked twice ('analysis.quality.repeats')",
        "repeated_tasks": "no choice task was shown twice",
        "gibberish": "the study has no question with an open text",
    }[flag]


def _table(rules: list[Rule], names: list[str]) -> pd.DataFrame:
    marks = [mark for rule in rules for mark in rule.marks]
    columns: dict[str, list[object]] = {}
    for rule in rules:
        hit = {mark.respondent for mark in rule.marks}
        judged = hit | set(rule.scores)
        if rule.flag == "duplicates" and not rule.unused:
            judged = set(names)
        columns[rule.flag] = [name in hit if name in judged else None for name in names]
    index = pd.Index(names, name="respondent", dtype="str")
    table = pd.DataFrame(columns, index=index, dtype="object").astype("boolean")
    of: dict[str, list[str]] = {name: [] for name in names}
    facts: dict[str, list[str]] = {name: [] for name in names}
    for mark in marks:
        of[mark.respondent].append(mark.flag)
        facts[mark.respondent].append(f"{mark.flag}: {mark.fact}")
    return table.assign(
        flags=[" ".join(of[name]) for name in names],
        facts=["; ".join(facts[name]) for name in names],
    )
