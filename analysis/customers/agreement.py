"""Three ways to ask which of two things carries more value: do they agree?

What people choose, what goes with what they answer, and what they go on to buy are three looks at
the same question: functional or emotional value, or one construct or another. Each names one of the
two or says that it cannot tell; only those that can tell may agree or disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from analysis.customers.drivers import (
    LEAST_CUSTOMERS,
    LEAST_PURCHASE_DAYS,
    earlier_rate,
    poisson_ratio,
)
from analysis.estimate import Estimate, unavailable
from analysis.ratings.simultaneous import stretched

TOO_CLOSE = 0.95**2
"""Share of a score that the others explain, above which it cannot be told from them."""
Verdict = Literal["agree", "disagree", "one alone", "cannot tell"]
METHOD = (
    "Poisson regression of later purchase days on both, given earlier ones; robust errors; ratio "
    "of what one standard deviation of each goes with"
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the first side less the second (or their ratio, whose equal point is 1)."""

    name: str
    estimate: Estimate
    equal: float = 0.0
    sides: tuple[str, str] = ("functional", "emotional")

    @property
    def more(self) -> str | None:
        """The side that is more, where the interval leaves out that both are equal."""
        if self.estimate.low is None or self.estimate.high is None:
            return None
        if self.estimate.low > self.equal:
            return self.sides[0]
        return self.sides[1] if self.estimate.high < self.equal else None

    @property
    def says(self) -> str:
        """The same in words."""
        return self.more or ("too uncertain to tell" if self.estimate.available else "not known")

    def among(self, comparisons: int) -> Look:
        """The same look as one of several comparisons that are made at once."""
        wide = stretched(self.estimate, comparisons, ratio=self.equal == 1.0)
        return replace(self, estimate=wide)


def verdict(looks: tuple[Look, ...]) -> Verdict:
    """Whether the looks that can tell say the same.

    Where the truth is one and the same for all, a false 'disagree' needs a look whose interval lies
    wholly on the wrong side: at most 2.5 % for each, so at most 7.5 % for three. With looks
    ``among`` m comparisons it is at most 7.5 % for all of these together.
    """
    clear = [look.more for look in looks if look.more]
    if len(clear) < 2:
        return "one alone" if clear else "cannot tell"
    return "agree" if len(set(clear)) == 1 else "disagree"


def later_purchases(linked: pd.DataFrame, functional: pd.Series, emotional: pd.Series) -> Estimate:
    """Later purchase days: what one SD of functional value goes with over one of emotional.

    log E[days after] = a + f F + e E + c log(earlier rate) + log(weeks after), F and E standardised
    over these customers, robust (HC1) errors; exp(f - e) with its interval. Above 1: functional.

    Parameters
    ----------
    linked
        Index customer: days_before, weeks_before, days_after, weeks_after.
    functional, emotional
        Same index: scores of 0 to 100.

    Source
    ------
    Gourieroux, Monfort & Trognon (1984), Econometrica 52, as for ``value_relation``.
    """
    scores = pd.DataFrame({"f": functional, "e": emotional})
    (found,) = later_purchase_ratios(linked, scores, [("f", "e")])
    return found


def later_purchase_ratios(
    linked: pd.DataFrame, scores: pd.DataFrame, pairs: Sequence[tuple[str, str]]
) -> tuple[Estimate, ...]:
    """``later_purchases`` of pairs of scores, all scores in one regression.

    Parameters
    ----------
    scores
        Index as ``linked``; a column for each score, the more the better.
    pairs
        Names of columns: the first over the second.
    """
    needed, names = (
        ["days_before", "weeks_before", "days_after", "weeks_after"],
        [str(s) for s in scores],
    )
    table = linked.reindex(columns=needed).join(scores).dropna()
    table = table[(table["weeks_after"] > 0) & (table["weeks_before"] > 0)]
    n = len(table)
    reason = _why_not(table, names)
    if reason:
        return tuple(unavailable(reason, n=n, method=METHOD, unit="ratio") for _ in pairs)
    standard = [stats.zscore(table[name].to_numpy(dtype=float), ddof=1) for name in names]
    design = np.column_stack([np.ones(n), *standard, earlier_rate(table)])
    found = []
    for first, second in pairs:
        signs = [(name == first) * 1.0 - (name == second) for name in names]
        estimate, _ = poisson_ratio(
            table["days_after"].to_numpy(dtype=float),
            design,
            table["weeks_after"].to_numpy(dtype=float),
            contrast=(0.0, *signs, 0.0),
            method=METHOD,
        )
        found.append(estimate)
    return tuple(found)


def _why_not(table: pd.DataFrame, names: list[str]) -> str:
    if len(table) < LEAST_CUSTOMERS:
        return f"{len(table)} linked customers with a window after, {LEAST_CUSTOMERS} are needed"
    days = int(table["days_after"].sum())
    if days < LEAST_PURCHASE_DAYS:
        return f"{days} later purchase days, {LEAST_PURCHASE_DAYS} are needed"
    if (table[names].std() == 0).any():
        return "all linked customers have the same score"
    if _most_explained(table[names].corr().to_numpy()) > TOO_CLOSE:
        return "the scores go together too closely to be told apart"
    return ""


def _most_explained(correlations: np.ndarray) -> float:
    """The largest share of a score that the others explain."""
    if np.linalg.matrix_rank(correlations) < len(correlations):
        return 1.0
    return float(1 - 1 / np.diag(np.linalg.inv(correlations)).max())
