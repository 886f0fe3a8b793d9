"""Maximum likelihood where the purchases tell all parameters, else a fit with a stated prior."""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.purchases.lifetime_value.buying import (
    MANY,
    BuyingFit,
    BuyingModel,
    fit_at,
    fit_buying,
    sample,
    surface,
)
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.likelihood import NotConverged, NotIdentified
from analysis.purchases.lifetime_value.prior import Prior, penalised, untold

LOG_13, LOG_104, LOG_10 = np.log(13.0), np.log(104.0), np.log(10.0)
RATES = (
    "customers differ in their rate by a gamma shape of about 1 (.14 to 7.1)",
    "the mean customer buys about once in 13 weeks (1.8 days to 13 years)",
)
DROPOUT = {
    "pareto-nbd": (
        "customers differ in their dropout rate by a gamma shape of about 1 (.14 to 7.1)",
        "the mean dropout rate is about once in 104 weeks (5.5 weeks to 38 years)",
    ),
    "bg-nbd": (
        "customers differ in dropping out by a first beta parameter of about 1 (.14 to 7.1)",
        "the odds to drop out after a purchase are about 1 to 10 (1 to 190, to 1.9 to 1)",
    ),
}
COVARIATES = "a covariate multiplies by about 1 per standard deviation (.14 to 7.1)"


def weak_prior(model: BuyingModel, covariates: Covariates | None = None) -> Prior:
    """What is assumed of companies nothing is known of; the words give 95 % of each prior."""
    spread = np.zeros(0)
    if covariates is not None:
        spread = np.hstack([covariates.rate, covariates.dropout]).std(axis=0)
    axes = np.eye(4 + len(spread))
    axes[1, :2] = 1.0, -1.0
    axes[3, 2:4] = 1.0, -1.0
    axes[range(4, len(axes)), range(4, len(axes))] = spread
    dropout = -LOG_104 if model.name == "pareto-nbd" else -LOG_10
    none = np.zeros(len(spread))
    return Prior(
        axes=axes,
        mean=np.concatenate([[0.0, -LOG_13, 0.0, dropout], none]),
        deviation=np.concatenate([[1.0, 2.0, 1.0, 1.5], none + 1.0]),
        words=(*RATES, *DROPOUT[model.name], *((COVARIATES,) if len(spread) else ())),
    )


def best_fit(
    model: BuyingModel, histories: Histories, *, covariates: Covariates | None = None
) -> BuyingFit:
    """``fit_buying``; where it finds no maximum, or hardly knows a parameter, with a weak prior.

    Raises
    ------
    NotConverged
        When the maximum is not reached with the prior either.
    """
    start = None
    try:
        found = fit_buying(model, histories, covariates=covariates)
        names, start = found.vague, found.coefficients
        if not names:
            return found
    except NotIdentified as error:
        names = error.names
    except NotConverged:
        names = model.parameters
    prior = weak_prior(model, covariates)
    return fit_penalised(
        model, histories, prior, covariates=covariates, why=untold(names), start=start
    )


def fit_penalised(
    model: BuyingModel,
    histories: Histories,
    prior: Prior,
    *,
    why: str,
    covariates: Covariates | None = None,
    start: Floats | None = None,
) -> BuyingFit:
    """Fit a model by penalised maximum likelihood (see ``prior.penalised``).

    Parameters
    ----------
    prior
        Of the coefficients, for example ``weak_prior``.
    why
        Why it is used, as the end of a sentence.
    start
        (4 + C,) coefficients to begin at.

    Raises
    ------
    NotConverged
        When the maximum is not reached.
    """
    names = model.parameters if covariates is None else (*model.parameters, *covariates.names)
    if start is None:
        start = np.concatenate([model.start(histories), np.zeros(len(names) - 4)])
    rough = None
    if len(histories) > MANY:
        some, fewer = sample(histories, covariates)
        rough = partial(surface, model, some, covariates=fewer)
    found, penalty = penalised(
        partial(surface, model, histories, covariates=covariates),
        start,
        prior,
        names=names,
        why=why,
        rough=rough,
    )
    return fit_at(model, histories, found, names, penalty)
