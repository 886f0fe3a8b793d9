"""The report's figures of choices from an aggregate logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from analysis.choices.coding import Floats
from analysis.choices.importances import Importance, importances, ranges
from analysis.choices.partworths import PartWorths, level_worths
from analysis.choices.willingness_to_pay import TagMoney, money_of, money_value_of_tag
from analysis.estimate import Estimate
from analysis.study.exercises import Tag

METHOD = "aggregate logit; normal interval, errors clustered by respondent"
Z_95, Z_50 = float(norm.ppf(0.975)), float(norm.ppf(0.75))


@dataclass(frozen=True, slots=True)
class FromLogit:
    """Figures of everybody together, errors clustered by respondent."""

    fitted: PartWorths
    seed: int

    def levels(self) -> tuple[Estimate, ...]:
        """The part-worth of every row of ``coding.level_rows()``."""
        n = self.fitted.n_respondents
        return tuple(
            normal(worth.part_worth, worth.se, n=n, method=METHOD, unit="logit")
            for worth in level_worths(self.fitted)
        )

    def importances(self) -> tuple[Importance, ...]:
        """Of every attribute."""
        return importances(self.fitted, seed=self.seed)

    def importances_of_the_mean(self) -> tuple[Estimate | None, ...]:
        """None: those of ``importances`` are of the mean part-worths already."""
        return (None,) * len(self.fitted.coding.exercise.attributes)

    def money(self, contrast: Floats) -> Estimate:
        """The money value of a change."""
        return money_of(self.fitted, contrast)

    def half_of_customers(self, contrast: Floats) -> tuple[float, float] | None:
        """None: an aggregate logit does not know how customers differ."""
        return None

    def tag(self, tag: Tag) -> TagMoney:
        """Money value and share of all upgrades of a kind."""
        return money_value_of_tag(self.fitted, tag, seed=self.seed)

    def clearly_more(self, best: Floats, others: Sequence[Floats]) -> bool:
        """Whether the interval of the difference to every other change excludes zero."""
        return all(money_of(self.fitted, best - other).clear_of_zero for other in others)

    def price_share_over_half(self) -> float | None:
        """The share of a linear price if half its range had been tested."""
        exercise = self.fitted.coding.exercise
        price = exercise.price
        if price is None or price.coding != "linear":
            return None
        spans = ranges(self.fitted.coding, self.fitted.coefficients[None, :])[0]
        half = spans[exercise.attributes.index(price)] / 2
        total = float(spans.sum())
        return float(half / (total - half)) if total > half > 0 else None

    def price_note(self) -> str:
        """Nothing: a wrong price sign is said by the money values."""
        return ""


def normal(value: float, se: float, *, n: int, method: str, unit: str) -> Estimate:
    """An estimate with normal intervals."""
    return Estimate(
        value=value,
        low=value - Z_95 * se,
        high=value + Z_95 * se,
        low_50=value - Z_50 * se,
        high_50=value + Z_50 * se,
        n=n,
        method=method,
        unit=unit,
    )
