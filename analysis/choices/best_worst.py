"""Best-worst scaling (MaxDiff): how much each item matters, from the best and worst of sets.

Sequential logit (Marley & Louviere 2005): the best of a set has chance ``exp(u_i) / sum exp(u)``;
the worst of the remaining items ``exp(-u_i) / sum exp(-u)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.choices.coding import Coding, Floats, coding_of
from analysis.choices.identification import (
    NotIdentified,
    check_identified,
    chosen_margins,
    separating_direction,
)
from analysis.choices.mnl import covariances, evaluate, maximise
from analysis.choices.partworths import PartWorths, few_respondents, level_worths
from analysis.choices.sets import ChoiceSets, SizeGroup, respondent_weights, without_zero_weights
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute, ChoiceExercise, Level, Study
from analysis.study.exercises import BestWorstExercise
from analysis.tables import Check, Codes, Mask, TableFault, TableFaults, at_lines_of, read_cells

ITEM = "item"
BEST_WORST_COLUMNS = ("respondent", "task", ITEM, "best", "worst")
PLACES = ("exercise", "block", "position")
"""Columns of an archive that say where an item stood."""
DRAWS = 4_000


@dataclass(frozen=True, slots=True)
class BestWorstAnswers:
    """Checked answers, a row per item of a set: respondent, task, item, best, worst (bool)."""

    exercise: BestWorstExercise
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item on four scales.

    Attributes
    ----------
    utility, se
        Logit units, zero on average over the items; clustered standard error.
    score
        0 for the least, 100 for the greatest utility, linear between. The ends are fixed by
        definition, so that their intervals show only whether another item may stand there.
    chance
        That it is best in a set with otherwise average items: ``e^u / (e^u + set size - 1)``.
    share
        The chances made to add up to 100 (a ratio scale).
    """

    item: str
    utility: float
    se: float
    score: Estimate
    chance: Estimate
    share: Estimate


@dataclass(frozen=True, slots=True)
class BestWorst:
    """The fit (its only attribute is 'item', its answers best and worst) and the scores."""

    part_worths: PartWorths
    set_size: int
    scores: tuple[ItemScore, ...]


def read_best_worst(
    path: Path | str, exercise: BestWorstExercise, *, mapping: Mapping[str, str] | None = None
) -> BestWorstAnswers:
    """Read answers from CSV: respondent, task, item, best (0/1), worst (0/1), a row per item.

    Raises TableFaults with every fault, or OSError when the file cannot be opened.
    """
    cells = read_cells(path, BEST_WORST_COLUMNS, mapping or {}, table="best-worst answers")
    with at_lines_of(path, table="best-worst answers"):
        return check_best_worst(cells, exercise, first_row=2)


def check_best_worst(
    frame: pd.DataFrame, exercise: BestWorstExercise, *, first_row: int = 1
) -> BestWorstAnswers:
    """Check a frame of answers; see ``read_best_worst``."""
    absent = [name for name in BEST_WORST_COLUMNS if name not in frame.columns]
    if absent:
        mend = f"Add it, or map one of: {', '.join(str(c) for c in frame.columns)}"
        faults = [TableFault(0, name, "the column is missing", mend) for name in absent]
        raise TableFaults(faults, table="best-worst answers")
    kept = frame.reset_index(drop=True).dropna(how="all")
    if kept.empty:
        raise TableFaults([TableFault(0, "", "the table has no rows", "Add the answers")])
    check = Check(kept, _as_choice_exercise(exercise), kept.index.to_numpy() + first_row)
    respondent, people = check.required("respondent")
    task, tasks = check.required("task")
    best = check.truth("best", "Write 1 for the best item, 0 otherwise")
    worst = check.truth("worst", "Write 1 for the worst item, 0 otherwise")
    items = check.attributes()[ITEM]
    if not check.faults:
        sets = pd.factorize(respondent * len(tasks) + task)[0]
        _check_sets(check, sets, items.codes, best, worst)
    if check.faults:
        raise TableFaults(check.faults, table="best-worst answers")
    columns = {
        "respondent": np.array(people, dtype=object)[respondent],
        "task": np.array(tasks, dtype=object)[task],
        ITEM: items,
        "best": best,
        "worst": worst,
        "role": "estimation",
    }
    known = {*BEST_WORST_COLUMNS, *PLACES}
    extra = [str(c) for c in frame.columns if c not in known]
    notes = (f"columns not used: {', '.join(extra)}",) if extra else ()
    return BestWorstAnswers(exercise, pd.DataFrame(columns).astype({"respondent": "str"}), notes)


def _check_sets(check: Check, sets: Codes, items: Codes, best: Mask, worst: Mask) -> None:
    sizes = np.bincount(sets)
    first = ~pd.Series(sets).duplicated().to_numpy()
    check.note(best & worst, "worst", "the item is both best and worst", "Mark two items")
    for name, marked in (("best", best), ("worst", worst)):
        wrong: Mask = np.bincount(sets, weights=marked) != 1
        fact = f"the task has not exactly one {name} item"
        check.note(first & wrong[sets], name, fact, f"Mark one item as {name}")
    small: Mask = first & (sizes < 3)[sets]
    check.note(small, ITEM, "the task has fewer than three items", "Add the others")
    twice = pd.DataFrame({"set": sets, "item": items}).duplicated().to_numpy()
    check.note(twice, ITEM, "the item stands twice in its task", "Keep one row for it")


def _as_choice_exercise(exercise: BestWorstExercise) -> ChoiceExercise:
    """The items as the levels of one attribute, for the one coder."""
    levels = tuple(Level(id=item.id, label=item.label) for item in exercise.items)
    attribute = Attribute(id=ITEM, label=exercise.question, levels=levels)
    return ChoiceExercise(id=exercise.id, question=exercise.question, attributes=(attribute,))


def fit_best_worst(
    study: Study,
    answers: BestWorstAnswers,
    *,
    seed: int,
    weights: Mapping[str, float] | None = None,
) -> BestWorst:
    """Fit the utilities of the items by a sequential best-worst logit.

    Parameters
    ----------
    study, answers
        The study and the checked answers of one of its exercises.
    seed
        Of the draws behind the intervals of rescaled scores.
    weights
        Weight by respondent; every respondent needs one.

    Raises
    ------
    NotIdentified
        When items were never compared, directly or through others, or are ranked perfectly.
    """
    coding = coding_of(study, _as_choice_exercise(answers.exercise))
    sets = best_worst_sets(coding, answers, weights)
    zero = np.zeros(coding.width)
    _check_told_apart(coding, answers.frame, evaluate(sets, zero).information, sets)
    coefficients, last, steps = maximise(sets, zero)
    people = len(sets.respondents)
    part_worths = PartWorths(
        coding=coding,
        estimator="best-worst",
        coefficients=coefficients,
        covariances=covariances(last, sets),
        n_respondents=people,
        n_tasks=sets.n_tasks // 2,
        log_likelihood=last.log_likelihood,
        null_log_likelihood=sets.null_log_likelihood(),
        converged=True,
        iterations=steps,
        warnings=few_respondents(people, coding.width),
    )
    sizes = answers.frame.groupby(["respondent", "task"], observed=True).size()
    size = int(sizes.mode().iloc[0])
    return BestWorst(part_worths, size, _scores(part_worths, size, seed))


def best_worst_sets(
    coding: Coding, answers: BestWorstAnswers, weights: Mapping[str, float] | None = None
) -> ChoiceSets:
    """Two choice sets for each task: best of all, then worst of the others with codes negated."""
    frame = without_zero_weights(answers.frame, weights)
    person, names = pd.factorize(frame["respondent"])
    task = pd.factorize(frame["task"])[0]
    sets = pd.factorize(person * (int(task.max()) + 1) + task)[0]
    item = frame[ITEM].cat.codes.to_numpy(np.int64)
    table = coding.table(coding.exercise.attributes[0])
    left = ~frame["best"].to_numpy(bool)
    rows = pd.DataFrame(
        {
            "set": np.concatenate([2 * sets, 2 * sets[left] + 1]),
            "code": np.concatenate([item, item[left] + len(table)]),
            "chosen": np.concatenate([frame["best"], frame["worst"][left]]),
            "person": np.concatenate([person, person[left]]),
        }
    )
    rows["size"] = rows.groupby("set")["set"].transform("size")
    rows = rows.sort_values(["size", "set"], kind="stable")
    heads = rows.drop_duplicates("set")
    groups, start = [], 0
    for size in np.unique(rows["size"].to_numpy(int)).tolist():
        part = rows[rows["size"] == size]
        chosen = part["chosen"].to_numpy(bool).reshape(-1, size).argmax(axis=1)
        codes = (part["code"].to_numpy(np.int32),)
        groups.append(SizeGroup(size, start, chosen.astype(np.intp), codes))
        start += len(chosen)
    respondent = heads["person"].to_numpy(np.intp)
    return ChoiceSets(
        coding,
        (np.vstack([table, -table]),),
        tuple(groups),
        tuple(str(name) for name in names),
        respondent,
        respondent_weights(names, weights)[respondent],
    )


def _check_told_apart(
    coding: Coding, frame: pd.DataFrame, information: Floats, sets: ChoiceSets
) -> None:
    attribute = coding.exercise.attributes[0]
    ids = [level.id for level in attribute.levels]
    unseen = [name for name in ids if not (frame[ITEM] == name).any()]
    if unseen:
        raise NotIdentified(
            f"item '{name}' is in no task; drop it, or add tasks that show it" for name in unseen
        )
    try:
        check_identified(coding, frame, information)
    except NotIdentified:
        raise NotIdentified(
            ["some items were never compared with the others; add tasks that mix them"]
        ) from None
    direction = separating_direction(chosen_margins(sets))
    if direction is not None:
        worth = coding.table(attribute) @ direction
        ranked = ", ".join(f"'{ids[n]}'" for n in np.argsort(-worth, kind="stable"))
        reason = f"nobody answers against the order {ranked} (perfect prediction)"
        raise NotIdentified([f"{reason}; collect more answers"])


def _scores(part_worths: PartWorths, size: int, seed: int) -> tuple[ItemScore, ...]:
    rows = part_worths.coding.level_rows()[1]
    draws = part_worths.draws("cluster", n=DRAWS, seed=seed) @ rows.T
    point = rows @ part_worths.coefficients
    found = []
    for n, worth in enumerate(level_worths(part_worths)):
        scales = [
            _estimate(
                scale(point[None, :], size)[0, n], scale(draws, size)[:, n], part_worths, unit
            )
            for scale, unit in (
                (_zero_to_hundred, "points"),
                (_chance, "share"),
                (_share, "points"),
            )
        ]
        found.append(ItemScore(worth.level, worth.part_worth, worth.se, *scales))
    return tuple(found)


def _zero_to_hundred(utilities: Floats, _size: int) -> Floats:
    low = utilities.min(axis=1, keepdims=True)
    found: Floats = 100 * (utilities - low) / np.ptp(utilities, axis=1)[:, None]
    return found


def _chance(utilities: Floats, size: int) -> Floats:
    found: Floats = 1 / (1 + (size - 1) * np.exp(-utilities))
    return found


def _share(utilities: Floats, size: int) -> Floats:
    chances = _chance(utilities, size)
    found: Floats = 100 * chances / chances.sum(axis=1, keepdims=True)
    return found


def _estimate(value: float, draws: Floats, part_worths: PartWorths, unit: str) -> Estimate:
    method = f"sequential best-worst logit; 95 % of {DRAWS} draws, cluster covariance"
    lacking = part_worths.why_no_intervals("cluster")
    if lacking:
        return unavailable(lacking, n=part_worths.n_respondents, method=method, unit=unit)
    low, low_50, high_50, high = np.quantile(draws, [0.025, 0.25, 0.75, 0.975])
    return Estimate(
        value=float(value),
        low=float(min(low, value)),
        high=float(max(high, value)),
        low_50=float(min(low_50, value)),
        high_50=float(max(high_50, value)),
        n=part_worths.n_respondents,
        method=method,
        unit=unit,
    )
