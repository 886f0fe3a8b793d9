"""The report's figures of choices from draws of everybody's part-worths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.hb import market
from analysis.choices.importances import Importance, levels_text
from analysis.choices.partworths import PartWorths
from analysis.choices.tag_values import TagFigure
from analysis.choices.tag_values.over_draws import EVERYBODY, tag_values_over_draws
from analysis.choices.willingness_to_pay import TagMoney, money_unit, tag_upgrades
from analysis.estimate import Estimate, unavailable
from analysis.rendering.figures import percent
from analysis.study.exercises import Tag

CLEAR = 0.975
"""Share of draws that must agree before one change is called worth more than another."""


@dataclass(frozen=True, slots=True)
class FromDraws:
    """Figures of respondents and of the market, over draws.

    With no more respondents than part-worths every figure is unavailable, as it is from the
    logit: a bootstrap of a handful of people knows nothing of the others.
    """

    fitted: PartWorths
    seed: int
    weights: market.Weights = None

    def levels(self) -> tuple[Estimate, ...]:
        """The mean part-worth of every row of ``coding.level_rows()``."""
        why = self._too_few()
        if why:
            rows = self.fitted.coding.level_rows()[0]
            return tuple(self._none(why, market.MEANS, "logit") for _ in rows)
        return market.level_means(self.fitted, seed=self.seed, weights=self.weights)

    def importances(self) -> tuple[Importance, ...]:
        """The mean of respondents' shares."""
        why = self._too_few()
        if why:
            none = self._none(why, market.SHARES, "share")
            attributes = self.fitted.coding.exercise.attributes
            return tuple(Importance(a.id, none, 1.0, levels_text(a)) for a in attributes)
        return market.importances_of_respondents(self.fitted, seed=self.seed, weights=self.weights)

    def importances_of_the_mean(self) -> tuple[Estimate | None, ...]:
        """The shares of the mean part-worths."""
        if self._too_few():
            return (None,) * len(self.fitted.coding.exercise.attributes)
        return market.importances_of_the_mean(self.fitted, seed=self.seed, weights=self.weights)

    def money(self, contrast: Floats) -> Estimate:
        """The money value of a change to the median respondent."""
        why = self._too_few()
        if why:
            return self._none(why, market.MONEY, money_unit(self.fitted.coding))
        return market.money_value(self.fitted, contrast, seed=self.seed, weights=self.weights)

    def half_of_customers(self, contrast: Floats) -> tuple[float, float] | None:
        """Between which amounts the middle half of customers lies; None when unbounded."""
        low, high = (float(np.median(self._amounts(contrast, level))) for level in (0.25, 0.75))
        return (low, high) if np.isfinite([low, high]).all() else None

    def tag(self, tag: Tag) -> TagMoney:
        """Money value to the median respondent and share of all upgrades of a kind."""
        why = self._too_few()
        if why:
            unit = money_unit(self.fitted.coding)
            upgrades, _ = tag_upgrades(self.fitted, tag)
            share = self._none(why, market.SHARES, "share")
            return TagMoney(tag, upgrades, self._none(why, market.MONEY, unit), share)
        return market.money_of_tag(self.fitted, tag, seed=self.seed, weights=self.weights)

    def clearly_more(self, best: Floats, others: Sequence[Floats]) -> bool:
        """Whether the median amount is larger than every other one in 97.5 % of the draws."""
        amounts = self._amounts(best)
        return all((amounts > self._amounts(other)).mean() > CLEAR for other in others)

    def tag_figures(self) -> tuple[TagFigure, ...]:
        """Every figure of the tags, also as the study might have been otherwise."""
        if self._too_few():
            return ()
        return tag_values_over_draws(self.fitted, seed=self.seed, weights=self.weights)[EVERYBODY]

    def price_note(self) -> str:
        """How often price does not deter; empty when that is as good as never."""
        risk = market.wrong_price_sign(self.fitted, weights=self.weights)
        if risk is None or risk < 0.005:
            return ""
        return (
            f"In {percent(risk)} of all draws of respondents a higher price does not deter: these "
            "count as willing to pay without limit, which medians and quarters bear."
        )

    def _amounts(self, contrast: Floats, level: float = 0.5) -> Floats:
        return market.money_draws(
            self.fitted, contrast, seed=self.seed, weights=self.weights, level=level
        )

    def _too_few(self) -> str:
        people, width = self.fitted.n_respondents, self.fitted.coding.width
        if people > width:
            return ""
        return f"figures of a market need more respondents ({people}) than part-worths ({width})"

    def _none(self, why: str, method: str, unit: str) -> Estimate:
        return unavailable(why, n=self.fitted.n_respondents, method=method, unit=unit)
