"""Which part-worths the choices cannot tell, named by attribute and level, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product

import numpy as np
import pandas as pd

from analysis.choices.coding import NONE, Coding, Floats
from analysis.choices.sets import ChoiceSets
from analysis.study import Attribute

SINGULAR = 1e-9
"""Smallest eigenvalue of the scaled information that counts as identified."""


class NotIdentified(ValueError):
    """Some part-worths have no unique or no finite estimate; ``reasons`` names each."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        lines = ["the part-worths cannot be estimated from these choices"]
        super().__init__("\n".join([*lines, *(f"- {reason}" for reason in self.reasons)]))


def check_identified(coding: Coding, frame: pd.DataFrame, information: Floats) -> None:
    """Raise NotIdentified unless the tasks tell all columns apart.

    ``information`` (K, K) is that at equal chances: its null space are the combinations of
    part-worths that no task can tell.
    """
    shown = frame[frame["role"] == "estimation"]
    reasons = [reason for a in coding.exercise.attributes for reason in _unshown(a, shown)]
    if not reasons:
        reasons = list(_unshown_pairs(coding, shown))
    scale = np.sqrt(np.diag(information))
    largest = max(float(scale.max()), np.finfo(float).tiny)
    flat = scale <= 1e-10 * np.maximum(largest, 1.0)
    for attribute in coding.exercise.attributes:
        if flat[coding.places(attribute.id)].all() and not _named(reasons, attribute.id):
            reasons.append(
                f"attribute '{attribute.id}' is the same in all alternatives of every task; "
                "drop it from the exercise, or add tasks in which it differs"
            )
    if coding.exercise.none is not None and flat[coding.places(NONE)].all():
        reasons.append("the none alternative is in no task; drop 'none:' or add its rows")
    if not reasons:
        reasons = list(_collinear(coding, information, scale))
    if reasons:
        raise NotIdentified(reasons)


def _named(reasons: Iterable[str], attribute_id: str) -> bool:
    return any(f"'{attribute_id}'" in reason for reason in reasons)


def _unshown(attribute: Attribute, frame: pd.DataFrame) -> Iterator[str]:
    if attribute.coding != "effects":
        return
    counts = frame[attribute.id].value_counts()
    for level in attribute.levels:
        if counts.get(level.id, 0) == 0:
            yield (
                f"level '{level.id}' of attribute '{attribute.id}' is in no task; "
                "drop the level, or add tasks that show it"
            )


def _unshown_pairs(coding: Coding, frame: pd.DataFrame) -> Iterator[str]:
    """Pairs of levels that an interaction needs and no task shows."""
    for pair in coding.exercise.interactions:
        first, second = (coding.exercise.attribute(name) for name in pair)
        if first.coding != "effects" or second.coding != "effects":
            continue
        seen = set(
            frame[[first.id, second.id]].drop_duplicates().itertuples(index=False, name=None)
        )
        for one, other in product(first.levels, second.levels):
            if (one.id, other.id) not in seen:
                yield (
                    f"'{one.id}' of '{first.id}' is never shown with '{other.id}' of "
                    f"'{second.id}', so that their interaction cannot be told; leave the "
                    "interaction out, or add tasks that show the pair"
                )


def _collinear(coding: Coding, information: Floats, scale: Floats) -> Iterator[str]:
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    for vector in vectors[:, values < SINGULAR].T:
        involved = np.flatnonzero(np.abs(vector) > 1e-4 * np.abs(vector).max())
        names = ", ".join(dict.fromkeys(_name(coding, int(k)) for k in involved))
        yield (
            f"these cannot be told apart, because they vary together in every task: {names}; "
            "drop one of the attributes, or add tasks that vary them separately"
        )


def _name(coding: Coding, k: int) -> str:
    column = coding.columns[k]
    return f"{column.attribute} '{column.level}'" if column.level else column.attribute


def check_separation(coding: Coding, sets: ChoiceSets) -> None:
    """Raise NotIdentified when some combination of part-worths predicts choices perfectly.

    Then the likelihood has no maximum (Albert & Anderson 1984): part-worths grow without end.
    A direction d separates when d'(x_chosen - x_other) >= 0 for every pair and > 0 for one; it
    is sought by a linear program, first within single attributes.
    """
    margins = chosen_margins(sets)
    columns = [coding.places(a.id) for a in coding.exercise.attributes]
    if coding.exercise.none is not None:
        columns.append(coding.places(NONE))
    reasons = []
    for places in columns:
        direction = separating_direction(margins[:, places])
        if direction is not None:
            reasons.append(_alone(coding, sets, places, direction))
    if not reasons:
        direction = separating_direction(margins)
        if direction is not None:
            involved = np.flatnonzero(np.abs(direction) > 1e-6)
            reasons += _together(coding, sets, [coding.columns[k].attribute for k in involved])
        if direction is not None and not reasons:
            names = ", ".join(dict.fromkeys(_name(coding, int(k)) for k in involved))
            reasons.append(f"together these predict choices perfectly: {names}{_MEND}")
    if reasons:
        raise NotIdentified(reasons)


_MEND = "; collect more choices, or drop or merge these levels"


def _alone(coding: Coding, sets: ChoiceSets, places: slice, direction: Floats) -> str:
    name = coding.columns[places.start].attribute
    if name == NONE:
        what = "always" if direction[0] > 0 else "never"
        return f"the none alternative is {what} chosen, so that its part-worth has no limit{_MEND}"
    attribute = coding.exercise.attribute(name)
    if attribute.coding == "linear":
        what = "highest" if direction[0] > 0 else "lowest"
        return (
            f"the alternative with the {what} '{name}' is always chosen (perfect prediction){_MEND}"
        )
    facts = _level_facts(coding, sets, attribute) if attribute.coding == "effects" else ""
    if facts:
        return facts
    if attribute.range:
        return f"attribute '{name}' predicts choices perfectly{_MEND}"
    return (
        f"attribute '{name}' predicts choices perfectly: nobody chooses against the order of "
        f"levels {_ranked(attribute, coding.table(attribute) @ direction)}{_MEND}"
    )


def _ranked(attribute: Attribute, worth: Floats) -> str:
    """Levels from the best to the worst, as in "'c' > 'a' = 'b'"."""
    size = np.ptp(worth)
    order = np.argsort(-worth, kind="stable").tolist()
    text = f"'{attribute.levels[order[0]].id}'"
    for above, below in pairwise(order):
        sign = ">" if worth[above] - worth[below] > 1e-6 * size else "="
        text += f" {sign} '{attribute.levels[below].id}'"
    return text


def _together(coding: Coding, sets: ChoiceSets, names: list[str]) -> list[str]:
    """Levels never or always chosen, among the attributes of a separating direction."""
    attributes = [a for a in coding.exercise.attributes if a.id in names]
    facts = [_level_facts(coding, sets, a) for a in attributes if a.coding == "effects"]
    return [fact for fact in facts if fact]


def _level_facts(coding: Coding, sets: ChoiceSets, attribute: Attribute) -> str:
    """Which levels are never or always chosen, in words; empty when there is none."""
    counts = zip(attribute.levels, *_level_counts(coding, sets, attribute), strict=True)
    facts = [
        f"level '{level.id}' of attribute '{attribute.id}' is "
        + ("never chosen" if chosen == 0 else "always chosen when offered")
        for level, offered, chosen in counts
        if offered > 0 and chosen in (0, offered)
    ]
    return " and ".join(facts) + " (perfect prediction)" + _MEND if facts else ""


def _level_counts(
    coding: Coding, sets: ChoiceSets, attribute: Attribute
) -> tuple[list[int], list[int]]:
    """How often each level is offered and chosen."""
    places, table = coding.places(attribute.id), coding.table(attribute)
    offered, chosen = np.zeros(len(table), int), np.zeros(len(table), int)
    for chunk in sets.chunks():
        x = chunk.x[:, places]
        at = np.arange(len(chunk.chosen)) * chunk.size + chunk.chosen
        same = (x[:, None, :] == table[None, :, :]).all(axis=2)
        offered += same.sum(axis=0)
        chosen += same[at].sum(axis=0)
    return offered.tolist(), chosen.tolist()


def chosen_margins(sets: ChoiceSets) -> Floats:
    """Distinct differences chosen less other, (pairs, K).

    A dual-response none adds chosen less none when it is bought, else none less chosen.
    """
    parts = []
    none = sets.coding.row(None) if sets.bought is not None else np.zeros(sets.coding.width)
    for chunk in sets.chunks():
        x = chunk.x.reshape(len(chunk.chosen), chunk.size, -1)
        picked = x[np.arange(len(chunk.chosen)), chunk.chosen]
        margins = (picked[:, None, :] - x).reshape(-1, x.shape[2])
        parts.append(np.unique(margins[chunk.weight.repeat(chunk.size) > 0], axis=0))
        if chunk.bought is not None:
            against = (picked - none) * np.where(chunk.bought > 0, 1, -1)[:, None]
            parts.append(np.unique(against[chunk.weight > 0], axis=0))
    return np.unique(np.vstack(parts), axis=0)


def separating_direction(margins: Floats, *, at_once: int = 2_000) -> Floats | None:
    """A direction d with margins @ d >= 0 everywhere and > 0 somewhere, or None.

    Linear program with cutting planes: rows that the present answer violates are added until
    none is left (separated) or only d = 0 remains.
    """
    from scipy.optimize import linprog  # a third of a second to load, and rarely needed

    scale = np.abs(margins).max(axis=0)
    scale[scale == 0] = 1.0
    rows = margins / scale
    total = rows.mean(axis=0)
    active = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), at_once)).astype(int))
    while True:
        answer = linprog(
            -total, A_ub=-rows[active], b_ub=np.zeros(len(active)), bounds=(-1, 1), method="highs"
        )
        if not answer.success or -answer.fun < 1e-9:
            return None
        reached = rows @ answer.x
        worst = np.argsort(reached)[:at_once]
        violated = np.setdiff1d(worst[reached[worst] < -1e-9], active)
        if not len(violated):
            direction: Floats = answer.x / scale
            return direction
        active = np.union1d(active, violated)
