"""The report's numbers from choices: part-worths, importances, money value of upgrades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from analysis.choices.importances import Importance as EstimatedImportance
from analysis.choices.importances import importances
from analysis.choices.mnl import NotConverged, fit_mnl
from analysis.choices.partworths import PartWorths, level_worths
from analysis.choices.willingness_to_pay import (
    beyond_tested_prices,
    money_of,
    money_value_of_tag,
    willingness_to_pay,
)
from analysis.estimate import Estimate
from analysis.study import Attribute, ChoiceExercise
from analysis.tables import TableFaults, check_choices
from analysis.value_report import sensitivity
from analysis.value_report.types import Importance, LevelWorth, Tag, TagValue, Upgrade
from analysis.value_report.used import Used

Z_95, Z_50 = float(norm.ppf(0.975)), float(norm.ppf(0.75))
LOGIT_METHOD = "aggregate logit; normal interval, errors clustered by respondent"
VALUE_TAGS: tuple[Tag, ...] = ("functional", "emotional")


@dataclass(frozen=True, slots=True)
class ChoiceParts:
    """What choices add to a report; ``best_is_clear``: the difference to all others is."""

    part_worths: tuple[LevelWorth, ...] = ()
    importances: tuple[Importance, ...] = ()
    upgrades: tuple[Upgrade, ...] = ()
    tag_values: tuple[TagValue, ...] = ()
    best_is_clear: bool = False
    importance_note: str = ""
    tag_note: str = ""
    warnings: tuple[str, ...] = ()


def choice_parts(used: Used, *, seed: int) -> ChoiceParts:
    """Fit the reported exercise; without usable choices, only a warning."""
    if not used.study.exercises:
        return _without("The study has no choice exercise")
    if not any(isinstance(e, ChoiceExercise) for e in used.study.exercises):
        return ChoiceParts()
    try:
        exercise = used.study.choice_exercise()
    except TypeError as error:
        return _without(str(error).capitalize())
    frame = used.choices.get(exercise.id)
    if frame is None or not (frame["role"] == "estimation").any():
        return _without(f"Nobody answered the choice tasks of '{exercise.id}'")
    try:
        choices = check_choices(frame, exercise)
        fitted = fit_mnl(used.study, choices, weights=used.weighing)
    except (TableFaults, ValueError, NotConverged) as error:
        return _without(f"The choices of '{exercise.id}' cannot be fitted ({error})")
    return _parts(fitted, exercise, seed, (*choices.notes, *fitted.warnings))


def _without(why: str) -> ChoiceParts:
    text = f"{why}: the report has no part-worths and no willingness to pay."
    return ChoiceParts(warnings=(text,))


def _parts(
    fitted: PartWorths, exercise: ChoiceExercise, seed: int, warnings: tuple[str, ...]
) -> ChoiceParts:
    changes = [c for a in exercise.attributes if a.tag != "price" for c in _changes(a)]
    upgrades = [_upgrade(fitted, a, start, end) for a, start, end in changes]
    return ChoiceParts(
        part_worths=worth_rows(fitted, exercise.attributes, method=LOGIT_METHOD, unit="logit"),
        importances=importance_rows(importances(fitted, seed=seed), exercise.attributes),
        upgrades=tuple(upgrades),
        tag_values=_tag_values(fitted, exercise, seed),
        best_is_clear=_best_is_clear(fitted, changes, upgrades),
        importance_note=sensitivity.of_prices(fitted),
        tag_note=sensitivity.of_tags(fitted),
        warnings=warnings,
    )


def worth_rows(
    fitted: PartWorths, attributes: Sequence[Attribute], *, method: str, unit: str
) -> tuple[LevelWorth, ...]:
    """The part-worths of all levels with their intervals; none stays out."""
    known = {attribute.id: attribute for attribute in attributes}
    found = []
    for worth in level_worths(fitted):
        if worth.kind == "none":
            continue
        attribute = known[worth.attribute]
        per = attribute.unit.say() if attribute.unit else "unit"
        label = attribute.level(worth.level).label.say() if worth.level else f"per {per}"
        found.append(
            LevelWorth(
                attribute=attribute.id,
                attribute_label=attribute.label.say(),
                tag=attribute.tag,
                level=worth.level,
                level_label=label,
                estimate=Estimate(
                    value=worth.part_worth,
                    low=worth.part_worth - Z_95 * worth.se,
                    high=worth.part_worth + Z_95 * worth.se,
                    low_50=worth.part_worth - Z_50 * worth.se,
                    high_50=worth.part_worth + Z_50 * worth.se,
                    n=fitted.n_respondents,
                    method=method,
                    unit=unit,
                ),
            )
        )
    return tuple(found)


def importance_rows(
    found: Sequence[EstimatedImportance], attributes: Sequence[Attribute]
) -> tuple[Importance, ...]:
    """Importances with the labels and tags of their attributes."""
    known = {attribute.id: attribute for attribute in attributes}
    return tuple(
        Importance(
            attribute=one.attribute,
            label=known[one.attribute].label.say(),
            tag=known[one.attribute].tag,
            estimate=one.estimate,
            null_reference=one.null_reference,
            levels_tested=one.levels_tested,
        )
        for one in found
    )


Change = tuple[Attribute, str | float, str | float]


def _changes(attribute: Attribute) -> list[Change]:
    """From the first (worst) level to each other one, or across the range tested."""
    if attribute.range:
        ends = (attribute.range.least, attribute.range.greatest)
        low, high = ends if attribute.preference != "decreasing" else ends[::-1]
        return [(attribute, low, high)]
    ids = [level.id for level in attribute.levels]
    if attribute.preference == "decreasing":
        ids.reverse()
    if attribute.coding == "linear":
        return [(attribute, ids[0], ids[-1])]
    return [(attribute, ids[0], other) for other in ids[1:]]


def _upgrade(
    fitted: PartWorths, attribute: Attribute, start: str | float, end: str | float
) -> Upgrade:
    estimate = willingness_to_pay(fitted, attribute.id, start, end)
    names = [_said(attribute, level) for level in (start, end)]
    return Upgrade(
        attribute=attribute.id,
        attribute_label=attribute.label.say(),
        label=names[1],
        tag=attribute.tag,
        from_level=names[0],
        to_level=names[1],
        estimate=estimate,
        beyond_tested_prices=beyond_tested_prices(fitted, estimate),
    )


def _said(attribute: Attribute, level: str | float) -> str:
    if isinstance(level, str):
        return attribute.level(level).label.say()
    return f"{level:g} {attribute.unit.say() if attribute.unit else ''}".strip()


def _best_is_clear(fitted: PartWorths, changes: list[Change], upgrades: list[Upgrade]) -> bool:
    """Whether the interval of the difference to every other upgrade excludes zero."""
    known = [n for n, u in enumerate(upgrades) if u.estimate.available]
    if not known:
        return False
    contrasts = [fitted.coding.contrast(a.id, start, end) for a, start, end in changes]
    best = max(known, key=lambda n: upgrades[n].estimate.value or 0.0)
    others = (money_of(fitted, contrasts[best] - contrasts[n]) for n in known if n != best)
    return all(difference.clear_of_zero for difference in others)


def _tag_values(fitted: PartWorths, exercise: ChoiceExercise, seed: int) -> tuple[TagValue, ...]:
    found = []
    for tag in VALUE_TAGS:
        if any(attribute.tag == tag for attribute in exercise.attributes):
            money = money_value_of_tag(fitted, tag, seed=seed)
            names = tuple(exercise.attribute(u.attribute).label.say() for u in money.upgrades)
            found.append(TagValue(tag=tag, upgrades=names, money=money.money, share=money.share))
    return tuple(found)
