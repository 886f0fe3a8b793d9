"""Zero-centred differences: part-worths of respondents on one scale, as Sawtooth reports them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.choices.coding import NONE, Coding, Floats, table_numbers

POINTS = 100
"""The average range of an attribute, for everybody."""


def zero_centred(coding: Coding, people: Sequence[str], means: Floats) -> pd.DataFrame:
    """A row a respondent: the part-worth of every level, centred and rescaled.

    The levels of each attribute add up to zero, and all are multiplied by one number for each
    respondent, so that the ranges of the attributes add up to 100 times their number (Sawtooth
    Software's "zero-centered diffs"). A linear or piecewise attribute stands at its tested levels,
    or at the ends of its range and the knots; none is multiplied alike and not centred.
    Interactions stay out. A respondent without any range has empty cells.

    Parameters
    ----------
    people
        Names.
    means
        (people, K) point estimates of the part-worths, such as posterior means.
    """
    columns: dict[str, Floats] = {}
    total = np.zeros(len(means))
    for attribute in coding.exercise.attributes:
        worths = means[:, coding.places(attribute.id)] @ coding.table(attribute).T
        worths -= worths.mean(axis=1, keepdims=True)
        total += np.ptp(worths, axis=1)
        names = [level.id for level in attribute.levels]
        if attribute.range:
            names = [f"{number:g}" for number in table_numbers(attribute)]
        columns |= {f"{attribute.id}:{n}": w for n, w in zip(names, worths.T, strict=True)}
    if coding.exercise.none is not None:
        columns[NONE] = means[:, coding.places(NONE)][:, 0]
    factor = POINTS * len(coding.exercise.attributes) / np.where(total > 0, total, np.nan)
    table = pd.DataFrame({name: values * factor for name, values in columns.items()})
    table.insert(0, "respondent", list(people))
    return table
