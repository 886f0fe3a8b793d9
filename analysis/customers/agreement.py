"""Three ways to ask whether functional or emotional value carries more: do they agree?

What people choose, what goes with what they answer, and what they go on to buy are three looks at
the same question. Each says 'functional', 'emotional' or that it cannot tell; only those that can
tell may agree or disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
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

Says = Literal["functional", "emotional", "too uncertain to tell", "not known"]
Verdict = Literal["agree", "disagree", "one alone", "cannot tell"]
METHOD = (
    "Poisson regression of later purchase days on both, given earlier ones; robust errors; ratio "
    "of what one standard deviation of each goes with"
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: functional less emotional (or their ratio, whose equal point is 1)."""

    name: str
    estimate: Estimate
    equal: float = 0.0

    @property
    def says(self) -> Says:
        """Which of the two is more, where its 95 % interval leaves out that they are equal."""
        if self.estimate.low is None or self.estimate.high is None:
            return "not known"
        if self.estimate.low > self.equal:
            return "functional"
        return "emotional" if self.estimate.high < self.equal else "too uncertain to tell"


def verdict(looks: tuple[Look, ...]) -> Verdict:
    """Whether the looks that can tell say the same.

    Where the truth is one and the same for all, a false 'disagree' needs a look whose interval lies
    wholly on the wrong side: at most 2.5 % for each, so at most 7.5 % for three.
    """
    clear = [look.says for look in looks if look.says in ("functional", "emotional")]
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
    needed = ["days_before", "weeks_before", "days_after", "weeks_after"]
    table = linked.reindex(columns=needed).assign(f=functional, e=emotional).dropna()
    table = table[(table["weeks_after"] > 0) & (table["weeks_before"] > 0)]
    n = len(table)
    reason = _why_not(table)
    if reason:
        return unavailable(reason, n=n, method=METHOD, unit="ratio")
    scores = [stats.zscore(table[name].to_numpy(dtype=float), ddof=1) for name in ("f", "e")]
    design = np.column_stack([np.ones(n), *scores, earlier_rate(table)])
    estimate, _ = poisson_ratio(
        table["days_after"].to_numpy(dtype=float),
        design,
        table["weeks_after"].to_numpy(dtype=float),
        contrast=(0.0, 1.0, -1.0, 0.0),
        method=METHOD,
    )
    return estimate


def _why_not(table: pd.DataFrame) -> str:
    if len(table) < LEAST_CUSTOMERS:
        return f"{len(table)} linked customers with a window after, {LEAST_CUSTOMERS} are needed"
    days = int(table["days_after"].sum())
    if days < LEAST_PURCHASE_DAYS:
        return f"{days} later purchase days, {LEAST_PURCHASE_DAYS} are needed"
    if table["f"].std() == 0 or table["e"].std() == 0:
        return "all linked customers have the same score"
    if abs(float(table["f"].corr(table["e"]))) > 0.95:
        return "the two scores go together too closely to be told apart"
    return ""
