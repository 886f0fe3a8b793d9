"""Best-worst scaling (MaxDiff): how much each item matters, from the best and worst of sets.

Sequential logit (Marley & Louviere 2005): the best of a set has chance ``exp(u_i) / sum exp(u)``;
the worst of the remaining items ``exp(-u_i) / sum exp(-u)``. ``fit_best_worst`` lets everybody
share the utilities, ``fit_best_worst_hb`` gives every respondent their own.
"""

from analysis.choices.best_worst.answers import (
    BestWorstAnswers,
    best_worst_sets,
    check_best_worst,
    read_best_worst,
)
from analysis.choices.best_worst.fit import fit_best_worst
from analysis.choices.best_worst.hierarchical import fit_best_worst_hb, individual_scores
from analysis.choices.best_worst.scores import BestWorst, ItemScore

__all__ = [
    "BestWorst",
    "BestWorstAnswers",
    "ItemScore",
    "best_worst_sets",
    "check_best_worst",
    "fit_best_worst",
    "fit_best_worst_hb",
    "individual_scores",
    "read_best_worst",
]
