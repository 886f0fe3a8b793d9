"""Where the likelihood is flat a stated prior gives a result, and its intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.purchases.lifetime_value.best_fit import best_fit, fit_penalised, weak_prior
from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import fit_buying
from analysis.purchases.lifetime_value.expected import expected_purchases
from analysis.purchases.lifetime_value.gamma_gamma import fit_gamma_gamma
from analysis.purchases.lifetime_value.likelihood import NotIdentified, Surface
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from analysis.purchases.lifetime_value.prior import Prior, penalised
from analysis.purchases.lifetime_value.residual_value import Horizon, forecast
from tests.analysis.purchases.lifetime_value.customers_of_truth import (
    BG,
    PARETO,
    buying_times,
    observed,
)

STAYING = {"pareto-nbd": PARETO | {"beta": 1e7}, "bg-nbd": BG | {"a": 1e-6}}
MODELS = {"pareto-nbd": PARETO_NBD, "bg-nbd": BG_NBD}


def customers(name, truth, n, *, seed, weeks=78):
    """Histories of customers watched for 26 to 52 weeks, and their purchases in 26 weeks after."""
    generator = np.random.default_rng(seed)
    times = buying_times(name, truth, n, weeks=weeks, generator=generator)
    T = 52 - generator.uniform(0, 26, n)
    later = np.array([((own > t) & (own <= t + 26)).sum() for own, t in zip(times, T, strict=True)])
    return observed(times, T), later


def test_a_flat_likelihood_gives_the_prior_back_with_its_wider_and_narrower_self():
    prior = Prior(np.eye(2), np.array([1.0, -2.0]), np.array([0.5, 2.0]), ("a", "b"))
    flat = Surface(0.0, np.zeros(2), np.zeros((2, 2)))
    found, penalty = penalised(lambda at: flat, np.zeros(2), prior, names=("a", "b"), why="flat")
    np.testing.assert_allclose(found.at, [1, -2])
    np.testing.assert_allclose(penalty.halved, [1, -2])
    # the mean of the variances at 1, 1/2 and 2 times the deviation
    np.testing.assert_allclose(found.covariance, np.diag([0.25, 4.0]) * (1 + 0.25 + 4) / 3)


def test_a_prior_that_disagrees_with_the_data_widens_the_interval():
    prior = Prior(np.eye(1), np.array([10.0]), np.array([1.0]), ("far",))

    def data(at):  # one observation of 0 with variance 1
        return Surface(-0.5 * float(at @ at), -at, -np.eye(1))

    found, penalty = penalised(data, np.zeros(1), prior, names=("a",), why="")
    assert found.at == pytest.approx([5])
    assert (penalty.halved, penalty.doubled) == (pytest.approx([8]), pytest.approx([2]))
    laplace = (1 / 2 + 1 / 5 + 1 / 1.25) / 3
    assert found.covariance[0, 0] == pytest.approx(laplace + (3**2 + 3**2) / 3)


@pytest.mark.parametrize("name", MODELS)
def test_told_parameters_are_plain_maximum_likelihood(name):
    truth = PARETO | {"alpha": 1.0} if name == "pareto-nbd" else BG | {"alpha": 1.0}
    histories, _ = customers(name, truth, 3_000, seed=2)
    found, plain = best_fit(MODELS[name], histories), fit_buying(MODELS[name], histories)
    assert found.penalty is None
    np.testing.assert_array_equal(found.coefficients, plain.coefficients)
    np.testing.assert_array_equal(found.covariance, plain.covariance)


def test_where_nobody_leaves_there_is_a_forecast_that_says_what_it_assumed():
    truth = STAYING["pareto-nbd"] | {"alpha": 2.0}
    histories, later = customers("pareto-nbd", truth, 800, seed=3)
    with pytest.raises(NotIdentified):
        fit_buying(PARETO_NBD, histories)
    fit = best_fit(PARETO_NBD, histories)
    assert "beta" in fit.penalty.why
    assert any("dropout rate" in words for words in fit.penalty.prior.words)
    found = forecast(fit, histories, Horizon(26), seed=1)
    low, high = np.quantile(found.purchases, (0.005, 0.995))
    assert low < later.sum() < high
    assert fit.log_likelihood < 0
    totals = [expected_purchases(fit.at(at), histories, 26).sum()
              for at in (fit.penalty.halved, fit.penalty.doubled)]  # fmt: skip
    assert totals == pytest.approx([found.customers["expected_purchases"].sum()] * 2, rel=0.02)


def test_a_prior_decides_little_where_there_are_many_customers():
    histories, _ = customers("pareto-nbd", PARETO | {"alpha": 1.0}, 20_000, seed=4)
    plain = fit_buying(PARETO_NBD, histories)
    found = fit_penalised(PARETO_NBD, histories, weak_prior(PARETO_NBD), why="a test")
    apart = np.abs(found.coefficients - plain.coefficients)
    assert (apart < 0.5 * np.sqrt(np.diag(plain.covariance))).all()


def test_customers_who_all_spend_alike_have_an_expected_spend():
    generator = np.random.default_rng(5)
    days = 1.0 + generator.poisson(8, 1_000)
    mean = 20 * generator.gamma(4 * days) / (4 * days)
    found = fit_gamma_gamma(days, mean)
    assert found.penalty is not None
    assert "q" in found.penalty.why
    each = found.expected(days, mean)
    assert each.mean() == pytest.approx(20, rel=0.03)
    assert each.std() < 0.5 * mean.std()
    for at in (found.penalty.halved, found.penalty.doubled):
        assert found.at(at).expected(days, mean).mean() == pytest.approx(20, rel=0.03)


WORLDS = {
    "pareto-nbd, half leave": ("pareto-nbd", PARETO),
    "pareto-nbd, few leave": ("pareto-nbd", PARETO | {"beta": 400.0}),
    "pareto-nbd, nobody leaves": ("pareto-nbd", STAYING["pareto-nbd"]),
    "bg-nbd, many leave": ("bg-nbd", BG),
    "bg-nbd, few leave": ("bg-nbd", BG | {"a": 0.08}),
    "bg-nbd, nobody leaves": ("bg-nbd", STAYING["bg-nbd"]),
}


@pytest.mark.deep
@pytest.mark.parametrize("often", [1, 3, 12])
@pytest.mark.parametrize("world", WORLDS)
def test_deep_small_companies_are_covered(world, often):
    """60 companies of 300 customers; counts are whole: each tail holds less than 2.5 %."""
    name, truth = WORLDS[world]
    below, above, covered, with_prior = [], [], [], []
    for seed in range(60):
        histories, later = customers(
            name, truth | {"alpha": truth["alpha"] / often}, 300, seed=seed
        )
        fit = best_fit(MODELS[name], histories)
        found = forecast(fit, histories, Horizon(26), seed=seed)
        each = found.customers
        below.append((later < each["purchases_low"]).mean())
        above.append((later > each["purchases_high"]).mean())
        low, high = np.quantile(found.purchases, (0.025, 0.975))
        covered.append(low <= later.sum() <= high)
        with_prior.append(fit.penalty is not None)
    print(world, often, *(f"{np.mean(part):.4f}" for part in (below, above, covered, with_prior)))
    assert np.mean(covered) > 0.866  # three standard errors
    assert np.mean(below) < 0.028
    assert np.mean(above) < 0.028
