from __future__ import annotations

import numpy as np
import pytest

from analysis.purchases.lifetime_value.best_fit import best_fit
from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import expected_purchases
from analysis.purchases.lifetime_value.joining import NAMES, joining_of
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from tests.analysis.purchases.lifetime_value.customers_of_truth import (
    BG,
    PARETO,
    buying_times,
    observed,
)

MODELS = {"pareto-nbd": (PARETO_NBD, PARETO), "bg-nbd": (BG_NBD, BG)}


def customers(name, seed, *, worse, n=900, weeks=104):
    """Histories, and purchases in the 52 weeks after; the last buy 1 / ``worse`` as often."""
    generator = np.random.default_rng(seed)
    T = generator.uniform(1, weeks, n)
    factor = worse ** -(1 - T / weeks)
    truth = MODELS[name][1]
    times = buying_times(
        name, truth, n, weeks=T.max() + 52, generator=generator, rate_factor=factor
    )
    later = [((own > t) & (own <= t + 52)).sum() for own, t in zip(times, T, strict=True)]
    return observed(times, T), np.array(later)


@pytest.mark.parametrize("name", MODELS)
def test_newcomers_who_buy_less_are_found_and_foretold(name):
    model = MODELS[name][0]
    histories, later = customers(name, 1, worse=6.0)
    plain = best_fit(model, histories)
    found = joining_of(plain, histories)
    assert found.p < 1e-4
    own = found.covariates(histories.T)
    fit = best_fit(model, histories, covariates=own)
    coefficient, error = fit.covariates[NAMES[0]]
    # log(1/6) over the whole time, in deviations of a uniform time.
    assert coefficient == pytest.approx(-np.log(6) / np.sqrt(12), abs=3 * error)
    newest = histories.T < 26
    stated = expected_purchases(plain, histories, 52)[newest].sum()
    better = expected_purchases(fit, histories, 52, covariates=own)[newest].sum()
    assert stated > 1.2 * later[newest].sum()
    assert better == pytest.approx(later[newest].sum(), rel=0.2)


def test_where_newcomers_are_as_good_one_in_two_hundred_is_told():
    found = [
        joining_of(best_fit(PARETO_NBD, own), own)
        for own in (customers("pareto-nbd", seed, worse=1.0, n=300)[0] for seed in range(40))
    ]
    assert sum(own is not None for own in found) <= 1


def test_what_a_covariate_explains_is_not_told_of_newcomers():
    histories, _ = customers("pareto-nbd", 3, worse=4.0)
    later = ((histories.T.mean() - histories.T) / histories.T.std())[:, None]
    given = Covariates(later, np.zeros((len(later), 0)), ("rate:age",))
    fit = best_fit(PARETO_NBD, histories, covariates=given)
    assert joining_of(fit, histories, given) is None
    both = joining_of(best_fit(PARETO_NBD, histories), histories).covariates(histories.T, given)
    assert both.names == ("rate:age", *NAMES)
    assert (both.rate.shape[1], both.dropout.shape[1]) == (2, 1)
