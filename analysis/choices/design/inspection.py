"""What a design can tell, and what is wrong with it: every figure with its convention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.choices.coding import NONE, Coding, Floats, coding_in
from analysis.choices.design.efficiency import Levels, burgess_street_bound, d_error
from analysis.choices.design.exchange import informations
from analysis.choices.design.overlap import fill, tallies_of
from analysis.choices.design.priors import Priors, priors_of, worths_by_level
from analysis.choices.design.reading import level_places
from analysis.choices.design.rules import Rules
from analysis.choices.design.search import d_errors, errors_of, overlaps
from analysis.choices.design.space import mark_keys, space_of, task_mark
from analysis.choices.identification import NotIdentified, check_identified
from analysis.study import ChoiceExercise

FRESH = 2000
"""Draws of the priors on which a design is judged: none of them was seen by the search."""
PROFILES = 20_000
"""Alternatives that are all looked at to see what the prohibitions leave to tell."""
DRAWN = 2000
"""Alternatives drawn for that where there are more."""
BECAUSE = "because of the prohibitions, "

CONVENTIONS = {
    "information": (
        "M = sum over the estimation tasks of all blocks of X'(diag(p) - pp')X, divided by nothing;"
        " with a dual-response none plus q(1 - q)uu', u = X'p - x_none; coding of the estimators "
        "(effects: L - 1 columns, last level -1; linear: the number)"
    ),
    "d0": "det(M)^(-1/K) at equal chances (all part-worths 0)",
    "dp": "det(M)^(-1/K) at the means of the priors",
    "db": (
        f"mean of det(M)^(-1/K) over {FRESH} random draws of the priors that no search has seen; "
        "infinite as soon as one draw is singular"
    ),
    "relative_d_efficiency": (
        "100 / (S |M^-1|^(1/K)) over the same of the bound of Burgess & Street: main effects, "
        "standardised orthogonal coding, equal chances, without none"
    ),
    "d_efficiency_choiceff": "100 / (S |M^-1|^(1/K)), same coding; 100 needs J a multiple of all L",
    "level_balance": "most less least often shown level of each attribute; in all, worst block",
    "two_way": "most less least often shown pair of levels; Cramer's V over all alternatives",
    "correlation": "largest |correlation| of coded columns of different attributes",
    "overlap": "share of (task, attribute) with a repeated level; least possible beside it",
    "utility_balance": "mean over tasks of the largest chance at the prior means; 1/J is even",
    "standard_errors": (
        "sqrt diag of (n M / blocks)^-1: n respondents, one block each, means of the priors, "
        "people all alike; rule: 0.05 for effects is good"
    ),
}


@dataclass(frozen=True, slots=True)
class Inspection:
    """Figures of a design by name, what they mean, and what should be mended."""

    figures: dict[str, Any]
    warnings: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Figures, conventions and warnings for JSON (an infinite error is the text 'inf')."""
        found: dict[str, Any] = _plain(self.figures)
        return found | {"conventions": CONVENTIONS, "warnings": list(self.warnings)}


def inspect_design(
    exercise: ChoiceExercise, coding: Coding, frame: pd.DataFrame, *, n: int = 300, seed: int = 1
) -> Inspection:
    """Inspect a checked design.

    Parameters
    ----------
    n
        Respondents planned, for the expected standard errors.
    seed
        Of the fresh draws of the priors.

    Raises
    ------
    ValueError
        When the design has no task for estimation, or the priors do not fit together.
    """
    shown = frame[frame["role"] == "estimation"]
    if shown.empty:
        raise ValueError("the design has no task for estimation")
    levels = level_places(exercise, shown)
    priors = priors_of(exercise, coding)
    counts = [len(a.levels) for a in exercise.attributes]
    blocks = int(frame["block"].nunique())
    of_block = shown["block"].to_numpy()[:: exercise.alternatives]
    figures: dict[str, Any] = {
        "exercise": exercise.id,
        "blocks": blocks,
        "tasks": len(levels),
        "tasks_per_block": len(levels) / blocks,
        "holdouts_per_block": (len(frame) - len(shown)) / exercise.alternatives / blocks,
        "alternatives": exercise.alternatives,
        "parameters": coding.width,
        "attributes": _balance(exercise, levels, of_block),
        "pairs": _pairs(exercise, levels),
        "correlation": _correlation(coding, levels),
    }
    repeated = overlaps(levels) > 0
    least = np.mean([count < exercise.alternatives for count in counts])
    figures["overlap"] = {"share": float(repeated.mean()), "least_possible": float(least)}
    figures |= _errors(coding, levels, priors, seed)
    bound = burgess_street_bound(counts, exercise.alternatives, len(levels))
    error = d_error(levels, counts)
    figures["relative_d_efficiency"] = 100 * bound / error
    figures["d_efficiency_choiceff"] = 100 / (len(levels) * error)
    information = informations(
        space_of(coding), levels, np.ones(len(levels)), priors.mean[:, None].copy()
    )[0]
    reasons = inestimable(coding, levels, shown)
    figures["inestimable"] = reasons
    figures["standard_errors"] = _standard_errors(
        coding, n * information / blocks, n, estimable=not reasons
    )
    figures["utility_balance"] = _utility_balance(coding, levels, priors.mean)
    figures["faults"] = _rule_breaks(exercise, frame)
    figures["dominated_tasks"] = _dominated(coding, levels, priors)
    figures["unconnected"] = list(_unconnected(exercise, levels))
    return Inspection(figures, tuple(_warnings(exercise, figures)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not np.isfinite(value):
        return "inf" if value > 0 else None
    return value


def _balance(exercise: ChoiceExercise, levels: Levels, of_block: Levels) -> list[dict[str, Any]]:
    found = []
    blocks = [levels[of_block == b] for b in np.unique(of_block)]
    for a, attribute in enumerate(exercise.attributes):
        count = len(attribute.levels)
        shown = np.bincount(levels[..., a].ravel(), minlength=count)
        each = [int(np.ptp(np.bincount(b[..., a].ravel(), minlength=count))) for b in blocks]
        ids = [level.id for level in attribute.levels]
        found.append(
            {
                "attribute": attribute.id,
                "shown": dict(zip(ids, shown.tolist(), strict=True)),
                "most_less_least": int(np.ptp(shown)),
                "most_less_least_in_worst_block": max(each),
            }
        )
    return found


def _pairs(exercise: ChoiceExercise, levels: Levels) -> list[dict[str, Any]]:
    found = []
    for a, b in combinations(range(len(exercise.attributes)), 2):
        first, second = exercise.attributes[a], exercise.attributes[b]
        table = np.zeros((len(first.levels), len(second.levels)), dtype=int)
        np.add.at(table, (levels[..., a].ravel(), levels[..., b].ravel()), 1)
        found.append(
            {
                "attributes": [first.id, second.id],
                "shown": table.tolist(),
                "most_less_least": int(np.ptp(table)),
                "cramers_v": _cramers_v(table),
            }
        )
    return found


def _cramers_v(table: Levels) -> float:
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    known = expected > 0
    squares = ((table - expected)[known] ** 2 / expected[known]).sum()
    return float(np.sqrt(squares / table.sum() / (min(table.shape) - 1)))


def _correlation(coding: Coding, levels: Levels) -> float:
    flat = levels.reshape(-1, levels.shape[2])
    attributes = coding.exercise.attributes
    parts = [coding.table(a)[flat[:, n]] for n, a in enumerate(attributes)]
    owner = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    x = np.hstack(parts)
    x = x - x.mean(axis=0)
    norms = np.sqrt((x**2).sum(axis=0))
    varying = norms > 1e-12
    x, owner = x[:, varying] / norms[varying], owner[varying]
    others = owner[:, None] != owner[None]
    return float(np.abs(x.T @ x)[others].max(initial=0.0))


def _errors(coding: Coding, levels: Levels, priors: Priors, seed: int) -> dict[str, Any]:
    space, weight = space_of(coding), np.ones(len(levels))
    found: dict[str, Any] = {
        "d0": float(d_errors(space, levels, weight, np.zeros((1, coding.width)))[0]),
        "dp": float(d_errors(space, levels, weight, priors.mean[None])[0]),
        "db": None,
    }
    if priors.uncertain:
        draws = priors.draws(FRESH, seed=seed + 999)
        parts = [d_errors(space, levels, weight, part) for part in np.array_split(draws, 20)]
        errors = np.concatenate(parts)
        singular = int((~np.isfinite(errors)).sum())
        spread = float(errors.std(ddof=1) / np.sqrt(FRESH)) if not singular else float("inf")
        found["db"] = float(errors.mean())
        found |= {"db_monte_carlo_error": spread, "db_draws": FRESH, "db_singular_draws": singular}
    return found


def inestimable(coding: Coding, levels: Levels, shown: pd.DataFrame) -> list[str]:
    """Part-worths that tasks (S, J, A), as places and as rows, cannot tell, with the reason."""
    reasons: list[str] = []
    even = np.zeros((coding.width, 1))
    try:
        check_identified(
            coding, shown, informations(space_of(coding), levels, np.ones(len(levels)), even)[0]
        )
    except NotIdentified as found:
        reasons += found.reasons
    prohibited = _prohibited_effects(coding)
    said = {reason.split(";")[0] for reason in prohibited}
    return [*prohibited, *(r for r in reasons if f"{BECAUSE}{r.split(';')[0]}" not in said)]


def _prohibited_effects(coding: Coding) -> list[str]:
    """Part-worths that no design can tell, because of the prohibitions."""
    exercise = coding.exercise
    if not exercise.prohibitions:
        return []
    kept = _profiles_left(exercise)
    if kept is None:
        return []
    columns = {
        a.id: [a.levels[place].id for place in kept[:, n]]
        for n, a in enumerate(exercise.attributes)
    }
    frame = pd.DataFrame(columns).assign(role="estimation")
    plain = exercise.model_copy(update={"none": None})
    own = Coding(plain, coding.currency, tuple(c for c in coding.columns if c.attribute != NONE))
    x = own.matrix(frame)
    try:
        check_identified(own, frame, np.cov(x.T, bias=True).reshape(own.width, own.width))
    except NotIdentified as found:
        ending = "; loosen the prohibitions that name them"
        return [f"{BECAUSE}{r.split(';')[0]}{ending}" for r in found.reasons]
    return []


def _profiles_left(exercise: ChoiceExercise) -> Levels | None:
    """Alternatives (N, A) that are not prohibited: all, or many that show all levels evenly."""
    counts = [len(a.levels) for a in exercise.attributes]
    total = math.prod(counts)
    if total <= PROFILES:
        profiles = np.stack(np.unravel_index(np.arange(total), counts), axis=-1)
        return np.asarray(profiles[~Rules.of(exercise).forbidden_profiles(profiles)])
    space = space_of(coding_in("", exercise))
    tallies, drawn = tallies_of(space.counts, np.zeros(0)), (1, DRAWN, 1, len(counts))
    levels, cell = np.zeros(drawn, dtype=np.int64), np.zeros((1, DRAWN, len(counts)), np.uint8)
    generator = np.random.default_rng(1)
    failed = fill(space, levels, (cell + np.uint8(1), cell), False, tallies, generator)
    return levels[0, :, 0] if failed < 0 else None


def _standard_errors(
    coding: Coding, information: Floats, n: int, *, estimable: bool
) -> list[dict[str, Any]]:
    labels, rows = coding.level_rows()
    if estimable and np.isfinite(errors_of(information[None])[0]):
        errors = np.sqrt(np.einsum("ij,ji->i", rows, np.linalg.solve(information, rows.T)))
    else:
        errors = np.full(len(rows), np.inf)
    return [
        {"attribute": c.attribute, "level": c.level, "kind": c.kind, "se": float(e), "n": n}
        for c, e in zip(labels, errors, strict=True)
    ]


def _coded(coding: Coding, levels: Levels) -> Floats:
    """Coded concepts (tasks, J, K)."""
    flat = levels.reshape(-1, levels.shape[2])
    frame = pd.DataFrame(
        {
            a.id: [a.levels[place].id for place in flat[:, n]]
            for n, a in enumerate(coding.exercise.attributes)
        }
    )
    return coding.matrix(frame).reshape(*levels.shape[:2], coding.width)


def _utility_balance(coding: Coding, levels: Levels, mean: Floats) -> float:
    utility = _coded(coding, levels) @ mean
    none = coding.exercise.none
    if none is not None and none.response == "single":
        utility = np.hstack([utility, np.full((len(utility), 1), coding.row(None) @ mean)])
    chances = np.exp(utility - utility.max(axis=1, keepdims=True))
    return float((chances / chances.sum(axis=1, keepdims=True)).max(axis=1).mean())


def _rule_breaks(exercise: ChoiceExercise, frame: pd.DataFrame) -> dict[str, int]:
    levels = level_places(exercise, frame)
    same = np.zeros(len(levels), dtype=bool)
    for i, j in combinations(range(exercise.alternatives), 2):
        same |= (levels[:, i] == levels[:, j]).all(axis=1)
    counts = np.array([len(a.levels) for a in exercise.attributes])
    keys = mark_keys(counts)
    marks = pd.DataFrame({"block": frame["block"].to_numpy()[:: exercise.alternatives]})
    marks["mark"] = np.round([task_mark(keys, task) for task in levels], 9)
    return {
        "prohibited_alternatives": int(Rules.of(exercise).forbidden_profiles(levels).sum()),
        "tasks_with_a_repeated_alternative": int(same.sum()),
        "tasks_twice_in_a_block": int(marks.duplicated().sum()),
    }


def _dominated(coding: Coding, levels: Levels, priors: Priors) -> int | None:
    """Tasks with an alternative no better in any attribute; None when no order is known."""
    worth = worths_by_level(coding, priors)
    if worth is None:
        return None
    good = np.stack([w[levels[..., a]] for a, w in enumerate(worth)], axis=-1)
    found = np.zeros(len(levels), dtype=bool)
    for i in range(levels.shape[1]):
        for j in range(levels.shape[1]):
            if i != j:
                found |= (good[:, i] >= good[:, j]).all(axis=1)
    return int(found.sum())


def _unconnected(exercise: ChoiceExercise, levels: Levels) -> Iterator[str]:
    """Attributes whose levels fall into groups that are never compared within a task."""
    for a, attribute in enumerate(exercise.attributes):
        group = np.arange(len(attribute.levels))
        for task in levels[..., a]:
            together = np.isin(group, group[task])
            group[together] = group[task].min()
        if len(np.unique(group)) > 1:
            yield attribute.id


def _warnings(exercise: ChoiceExercise, figures: dict[str, Any]) -> Iterator[str]:
    yield from figures["inestimable"]
    faults, tasks = figures["faults"], figures["tasks"]
    if faults["prohibited_alternatives"]:
        yield f"{faults['prohibited_alternatives']} alternatives are prohibited"
    if faults["tasks_with_a_repeated_alternative"]:
        yield f"{faults['tasks_with_a_repeated_alternative']} tasks show an alternative twice"
    if faults["tasks_twice_in_a_block"]:
        yield f"{faults['tasks_twice_in_a_block']} tasks stand twice in their block"
    if figures["dominated_tasks"]:
        yield (
            f"{figures['dominated_tasks']} of {tasks} tasks have an alternative that is better in "
            "nothing; they tell little"
        )
    if not figures["inestimable"] and not np.isfinite(figures["dp"]):
        yield (
            "at the means of the priors nearly every answer is certain, so that the answers tell "
            "some part-worths nothing; state smaller means"
        )
    for name in figures["unconnected"]:
        yield f"the levels of '{name}' fall into groups that no task compares"
    if figures.get("db_singular_draws"):
        yield f"{figures['db_singular_draws']} of {FRESH} draws leave part-worths untold"
    if (
        figures["tasks_per_block"] * figures["blocks"] * (exercise.alternatives - 1)
        < figures["parameters"]
    ):
        yield "there are fewer comparisons than part-worths; add tasks or blocks"
