"""The model of a company: buying and dropout, its season, and how its newcomers differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.purchases.lifetime_value.best_fit import best_fit
from analysis.purchases.lifetime_value.buying import BuyingFit, BuyingModel
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.joining import Joining, joining_of
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.season import YEAR, YEARS, Season, season_of
from analysis.purchases.lifetime_value.tracking import Days, expected_repeats, purchase_days
from analysis.purchases.roll_up import DAYS_A_WEEK


@dataclass(frozen=True, slots=True)
class Form:
    """What is fitted: a model, in weeks as a season counts them, and whether newcomers differ."""

    model: BuyingModel
    season: Season | None = None
    newcomers_differ: bool = False


@dataclass(frozen=True, slots=True)
class CompanyFit:
    """A fit of buying, in weeks as the season counts them.

    Attributes
    ----------
    buying
        Its covariates end with those of ``joining``, where that is.
    season, joining
        None: there is none to be told.
    """

    buying: BuyingFit
    season: Season | None = None
    joining: Joining | None = None

    @property
    def form(self) -> Form:
        """What was fitted."""
        return Form(self.buying.model, self.season, self.joining is not None)

    def histories(self, plain: Histories) -> Histories:
        """Histories in weeks as they count."""
        return plain if self.season is None else self.season.histories(plain)

    def covariates(self, histories: Histories, given: Covariates | None) -> Covariates | None:
        """What the fit needs to know of the rows of ``histories``, in weeks as they count."""
        return given if self.joining is None else self.joining.covariates(histories.T, given)

    def horizon(self, plain: Horizon) -> Horizon:
        """A horizon in weeks as they count."""
        return plain if self.season is None else self.season.horizon(plain)

    def ahead(self, weeks: Floats) -> Floats:
        """What the next weeks count."""
        return weeks if self.season is None else self.season.ahead(weeks)


def fit_company(
    model: BuyingModel,
    plain: Histories,
    purchases: Bought,
    *,
    as_of: date,
    given: Covariates | None = None,
) -> CompanyFit:
    """Fit a model; look for a season, then for newcomers who differ, and fit what is found.

    Parameters
    ----------
    plain
        Of all customers as of the day, grouped where there are no covariates.

    Raises
    ------
    NotConverged
        When a maximum is not reached, with a prior either.
    """
    buying = best_fit(model, plain, covariates=given)
    season, histories = None, plain
    if plain.T.max() >= YEARS * YEAR:
        season = season_of(*_by_week(buying, purchase_days(purchases, until=as_of)))
    if season is not None:
        histories = season.histories(plain)
        buying = best_fit(model, histories, covariates=given)
    joining = joining_of(buying, histories, given)
    if joining is not None:
        buying = best_fit(model, histories, covariates=joining.covariates(histories.T, given))
    return CompanyFit(buying, season, joining)


def fit_again(form: Form, plain: Histories, *, weeks: int) -> CompanyFit:
    """What was fitted, fitted to the histories of so many weeks earlier.

    Season and the question whether newcomers differ are as found at the end.

    Raises
    ------
    NotConverged
        When a maximum is not reached, with a prior either.
    """
    season = None if form.season is None else form.season.before(weeks)
    histories = plain if season is None else season.histories(plain)
    joining = Joining.of(histories) if form.newcomers_differ else None
    own = None if joining is None else joining.covariates(histories.T)
    return CompanyFit(best_fit(form.model, histories, covariates=own), season, joining)


def _by_week(fit: BuyingFit, days: Days) -> tuple[Floats, Floats]:
    """Repeat purchases by week, the latest first, and as a fit without season expects them."""
    last = len(days.repeats) - 1
    ends = np.arange(last % DAYS_A_WEEK, last + 1, DAYS_A_WEEK)
    actual = days.repeats.cumsum()[ends]
    expected = expected_repeats(fit, days, ends, fitted_on=last)
    return np.diff(actual)[::-1], np.diff(expected)[::-1]
