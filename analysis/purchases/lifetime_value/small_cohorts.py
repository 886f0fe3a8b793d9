"""Cohorts of fewer than ten customers have no figures: on pages, in files, of the command."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.cohorts import ALL

LEAST = 10
SMALL = f"not shown: fewer than {LEAST} customers"
WITH_IT = f"not shown, because another cohort has fewer than {LEAST} customers"


def without_small_cohorts(found: pd.DataFrame) -> pd.DataFrame:
    """Costs and values of cohorts and channels without those of fewer than ten customers.

    Where the small cohorts of a channel are fewer than ten customers together, its next smallest
    is not shown either: with the whole channel, subtraction would give the small ones away. How
    many customers a cohort has is shown.

    Parameters
    ----------
    found
        channel, cohort ('all': the whole channel), n, figures, and unknown (why one is missing).
    """
    n = found["n"].to_numpy()
    why = np.where((n > 0) & (n < LEAST), SMALL, "").astype(object)
    months = (found["cohort"] != ALL).to_numpy() & (n > 0)
    for channel in found["channel"].unique():
        own = np.flatnonzero(months & (found["channel"] == channel).to_numpy())
        small, large = own[n[own] < LEAST], own[n[own] >= LEAST]
        if len(small) and len(large) and n[small].sum() < LEAST:
            why[large[n[large].argmin()]] = WITH_IT
    hidden = pd.Series(why != "", index=found.index)
    shown = found.copy()
    for name in found.columns.difference(["channel", "cohort", "n", "unknown"]):
        shown[name] = found[name].mask(hidden, None)
    return shown.assign(unknown=found["unknown"].mask(hidden, pd.Series(why, index=found.index)))
