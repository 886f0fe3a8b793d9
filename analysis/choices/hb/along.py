"""Part-worths along a number of respondents, over draws: what goes with more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.choices.hb.market import Floats, Weights, hierarchy_of, mass_of
from analysis.choices.partworths import PartWorths
from analysis.choices.price_offset import offsets, why_no_money


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """A straight line of every part-worth on the number, in every kept draw.

    Attributes
    ----------
    centre
        (draws,) mean of the number.
    mean, slope
        (draws, K) part-worths at the centre, and their change for one unit more.
    n
        Respondents who have the number.
    """

    centre: Floats
    mean: Floats
    slope: Floats
    n: int

    def at(self, number: float) -> Floats:
        """(draws, K) mean part-worths of respondents with this number."""
        found: Floats = self.mean + (number - self.centre)[:, None] * self.slope
        return found


def lines_along(
    part_worths: PartWorths, numbers: pd.Series, *, seed: int, weights: Weights = None
) -> Lines:
    """Regress everybody's part-worths on a number, draw by draw.

    The number belongs in the upper level of the fit: draws of a fit without it are pulled towards
    one mean for everybody, and their slopes towards zero.

    Parameters
    ----------
    part_worths
        From ``fit_hb``.
    numbers
        By respondent (index); who has none is left out.
    seed
        Of the Bayesian bootstrap over respondents.
    weights
        Weight by respondent.

    Raises
    ------
    ValueError
        When there are no draws, or fewer than three respondents or one value of the number.
    """
    hierarchy = hierarchy_of(part_worths)
    given = numbers.reindex(list(hierarchy.respondents)).to_numpy(dtype=float)
    kept = np.flatnonzero(np.isfinite(given))
    x, mass = given[kept], mass_of(hierarchy, weights)[kept]
    if len(kept) < 3 or np.ptp(x) == 0:
        raise ValueError("a line needs three respondents and two values of the number")
    rng = np.random.default_rng([seed, 43])
    centres, means, slopes = [], [], []
    for chain in hierarchy.posterior.beta:
        for draw in chain:
            share = rng.dirichlet(np.ones(len(kept))) * mass
            share /= share.sum()
            beta = draw[kept].astype(float)
            centre = float(share @ x)
            off = share * (x - centre)
            centres.append(centre)
            means.append(share @ beta)
            slopes.append(off @ beta / (off @ x))
    return Lines(np.array(centres), np.array(means), np.array(slopes), len(kept))


def money_at(
    part_worths: PartWorths, lines: Lines, contrast: Floats, numbers: Sequence[float]
) -> Floats:
    """(draws, numbers): money that offsets a change at the mean part-worths with each number.

    Money is free of the scale of part-worths, which may differ along the number too.

    Raises
    ------
    ValueError
        When there is no price with numbers.
    """
    coding = part_worths.coding
    price, lacking = coding.exercise.price, why_no_money(coding)
    if lacking or price is None:
        raise ValueError(lacking)
    columns = []
    for number in numbers:
        beta = lines.at(number)
        columns.append(offsets(coding, price, beta @ contrast, beta))
    return np.stack(columns, axis=1)
