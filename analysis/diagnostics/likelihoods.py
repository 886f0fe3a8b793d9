"""Root likelihood of every respondent in the tasks of the fit, against equal chances."""

from __future__ import annotations

import numpy as np

from analysis.choices.beliefs import beliefs_of
from analysis.choices.holdout import respondent_fit
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.types import Likelihoods

BINS = 20


def likelihoods(fit: Fit) -> Likelihoods:
    """The distribution over respondents of the geometric mean of the chances of their choices."""
    rows = respondent_fit(beliefs_of(fit.fitted, fit.choices, seed=fit.seed), fit.choices)
    rows = rows[rows["n_tasks"] > 0]
    found, chance = rows["rlh"].to_numpy(), rows["chance_rlh"].to_numpy()
    counts, edges = np.histogram(found, bins=BINS, range=(0.0, 1.0))
    return Likelihoods(
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        chance=float(np.exp(np.log(chance).mean())),
        median=float(np.median(found)),
        below_chance=int((found < chance).sum()),
        n=len(found),
    )
