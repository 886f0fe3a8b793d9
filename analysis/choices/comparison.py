"""Models side by side: information criteria, and paired differences of their holdout log-loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.choices.bootstrap import mean_of_answers
from analysis.estimate import Estimate

ANSWER = ["respondent", "task"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Holdout log-loss of ``first`` less that of ``second``, paired by answer."""

    first: str
    second: str
    estimate: Estimate

    @property
    def verdict(self) -> str:
        """Which predicts better, said only when the 95 % interval excludes zero."""
        if self.estimate.value is None:
            return str(self.estimate.reason)
        if not self.estimate.clear_of_zero:
            return "no clear difference"
        better = self.first if self.estimate.value < 0 else self.second
        return f"{better} predicts better"


def paired_differences(
    answers: Mapping[str, pd.DataFrame], *, seed: int = 1
) -> tuple[Difference, ...]:
    """Every pair of models, from their tables respondent, task, log_loss.

    The interval is a bootstrap over respondents of the mean difference. ValueError when the models
    predicted different answers.
    """
    tables = {name: table.set_index(ANSWER)["log_loss"] for name, table in answers.items()}
    first, *others = tables
    for other in others:
        if set(tables[first].index) != set(tables[other].index):
            raise ValueError(
                f"'{first}' and '{other}' predicted different holdout answers; run both on the "
                "same choices with the same --holdout-tasks"
            )
    return tuple(
        Difference(one, two, _mean_difference(tables[one] - tables[two], seed))
        for one, two in combinations(tables, 2)
    )


def _mean_difference(differences: pd.Series[float], seed: int) -> Estimate:
    people = differences.groupby(level="respondent", sort=True)
    sums, counts = people.sum().to_numpy().astype(float), people.size().to_numpy().astype(float)
    return mean_of_answers(sums, counts, seed=seed, unit="nats")


def information_criteria(
    log_likelihood: float, parameters: int, respondents: int
) -> tuple[float, float]:
    """AIC, and BIC over respondents (answers of one person are not independent)."""
    fit = -2 * log_likelihood
    return fit + 2 * parameters, fit + parameters * math.log(respondents)
