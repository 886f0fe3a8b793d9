from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import hyp2f1

from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import BuyingFit, fit_buying
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import (
    expected_of_new,
    expected_purchases,
    p_alive,
    weekly_discount,
)
from analysis.purchases.lifetime_value.gamma_gamma import fit_gamma_gamma
from analysis.purchases.lifetime_value.grouped import Histories
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from analysis.purchases.lifetime_value.residual_value import Groups, Horizon, Spend, forecast
from tests.analysis.purchases.lifetime_value.customers_of_truth import (
    BG,
    PARETO,
    buying_times,
    observed,
)

MODELS = {"pareto-nbd": (PARETO_NBD, PARETO), "bg-nbd": (BG_NBD, BG)}


def known(name, covariance=1e-12):
    """A fit that knows its parameters."""
    model, truth = MODELS[name]
    logs = np.log(list(truth.values()))
    return BuyingFit(model, logs, covariance * np.eye(4), 0.0, 1, 1, 1, ())


def rows(*some):
    return Histories(*(np.array(column, dtype=float) for column in zip(*some, strict=True)))


SOME = rows((0, 0, 30, 1), (2, 25, 39, 1), (9, 39, 39, 1), (60, 10, 39, 1), (0, 0, 0, 1))


def test_expected_purchases_of_pareto_nbd_are_the_published_formula():
    fit = known("pareto-nbd")
    r, alpha, s, beta = PARETO.values()
    alive = p_alive(fit, SOME)[0]
    for t in (1, 52, 500):
        stays = 1 - ((beta + SOME.T) / (beta + SOME.T + t)) ** (s - 1)
        formula = alive * (r + SOME.x) * (beta + SOME.T) / (alpha + SOME.T) / (s - 1) * stays
        np.testing.assert_allclose(expected_purchases(fit, SOME, t), formula, rtol=1e-9)


def test_expected_purchases_of_bg_nbd_are_the_published_formula():
    fit = known("bg-nbd")
    r, alpha, a, b = BG.values()
    x, T = SOME.x, SOME.T
    for t in (1, 52, 200):
        curve = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
        formula = (
            (a + b + x - 1) / (a - 1) * (1 - ((alpha + T) / (alpha + T + t)) ** (r + x) * curve)
        )
        alive = p_alive(fit, SOME)[0]
        np.testing.assert_allclose(expected_purchases(fit, SOME, t), alive * formula, rtol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_a_discount_lowers_and_a_longer_horizon_raises_what_is_expected(name):
    fit = known(name)
    plain = expected_purchases(fit, SOME, 52)
    discounted = expected_purchases(fit, SOME, 52, discount=weekly_discount(0.1))
    assert ((discounted < plain) & (discounted > plain / 1.1)).all()
    assert (expected_purchases(fit, SOME, 104) > plain).all()
    assert weekly_discount(0.1) * 365.25 / 7 == pytest.approx(np.log(1.1))


@pytest.mark.parametrize("name", MODELS)
def test_expectations_are_those_of_simulated_customers(name):
    generator = np.random.default_rng(3)
    times = buying_times(name, MODELS[name][1], 40_000, weeks=52, generator=generator)
    counts = np.array([len(own) for own in times])
    expected = expected_of_new(known(name), np.array([0.0, 52.0]))
    assert expected[0] == 0
    assert abs(expected[1] - counts.mean()) < 3.5 * counts.std() / 200


@pytest.mark.parametrize("name", MODELS)
def test_forecasts_of_simulated_customers_hold_in_the_time_after(name):
    model, truth = MODELS[name]
    generator = np.random.default_rng(6)
    frequent = truth | {"alpha": truth["alpha"] / 6}
    times = buying_times(name, frequent, 3_000, weeks=78, generator=generator)
    histories = observed(times, np.full(3_000, 52.0))
    later = np.array([((own > 52) & (own <= 78)).sum() for own in times])
    fit = fit_buying(model, histories)
    found = forecast(fit, histories, Horizon(26), seed=1)
    each = found.customers
    low, high = np.quantile(found.purchases, (0.0005, 0.9995))
    assert low < later.sum() < high
    assert found.purchases.mean() == pytest.approx(each["expected_purchases"].sum(), rel=0.02)
    inside = (later >= each["purchases_low"]) & (later <= each["purchases_high"])
    assert 0.94 < inside.mean() < 0.995
    buyers = each["expected_purchases"] > 3  # few zeros, so that the level is nearly nominal
    assert 0.92 < inside[buyers].mean() < 0.98
    assert each["residual_value"].isna().all()
    assert found.value is None


def test_alive_by_definition_without_a_repeat_in_bg_nbd_only():
    for name, certain in {"bg-nbd": True, "pareto-nbd": False}.items():
        p, low, high = p_alive(known(name, 0.01), SOME)
        assert (p[0] == 1) == certain
        assert (low <= p).all()
        assert (p <= high).all()
        assert (low[1] < p[1] < high[1]) and p[3] < 1e-6


def valued(**changes):
    generator = np.random.default_rng(2)
    days = generator.geometric(0.3, 2_000).astype(float)
    mean = generator.gamma(5 * days) / generator.gamma(4, 1 / 30, 2_000) / days
    spend = fit_gamma_gamma(days, mean)
    histories = rows(*[(4, 30, 39, 1)] * 300, *[(0, 0, 39, 1)] * 200)
    own = Spend(spend, histories.x, np.where(histories.x > 0, 60.0, 0.0))
    horizon = Horizon(**({"weeks": 52, "margin": 0.3} | changes))
    halves = Groups(np.repeat([0, 1], [300, 200]), np.full(500, 0.5))
    return forecast(known("pareto-nbd"), histories, horizon, seed=4, spend=own, groups=halves)


def test_value_is_discounted_purchases_times_spend_times_margin():
    found = valued(discount=0.2)
    row = found.customers.iloc[0]
    one = rows((4, 30, 39, 1))
    bought = expected_purchases(known("pareto-nbd"), one, 52, discount=weekly_discount(0.2))[0]
    assert row["residual_value"] == pytest.approx(bought * row["expected_spend"] * 0.3)
    assert row["value_low"] < row["residual_value"] < row["value_high"]
    total = found.customers["residual_value"].sum()
    assert found.value.mean() == pytest.approx(total, rel=0.03)
    np.testing.assert_allclose(found.group_values.sum(axis=0), found.value / 2)
    first = found.customers["residual_value"][:300].sum()
    assert found.group_values[0].mean() == pytest.approx(first / 2, rel=0.03)
    again = valued(discount=0.2)
    assert again.customers.equals(found.customers)


def test_customers_who_share_a_future_vary_as_much_as_those_drawn_one_by_one():
    """Covariates, here of no effect, give everybody parameters of their own."""
    generator = np.random.default_rng(5)
    last = generator.uniform(5, 39, 600)
    histories = Histories(np.full(600, 4.0), last, np.full(600, 39.0), np.ones(600))
    days = generator.geometric(0.3, 2_000).astype(float)
    mean = generator.gamma(5 * days) / generator.gamma(4, 1 / 30, 2_000) / days
    asked = {
        "histories": histories,
        "horizon": Horizon(52, margin=0.3),
        "seed": 4,
        "spend": Spend(fit_gamma_gamma(days, mean), histories.x, generator.gamma(9, 5, 600)),
        "groups": Groups(np.arange(600) % 2, np.full(600, 0.5)),
    }
    fit = known("pareto-nbd")
    own = replace(fit, coefficients=np.append(fit.coefficients, 0.0), covariance=1e-12 * np.eye(5))
    none = Covariates(generator.random((600, 1)), np.zeros((600, 0)), ("rate:none",))
    shared, alone = forecast(fit, **asked), forecast(own, **asked, covariates=none)
    for name in ("purchases", "value", "group_values"):
        one, other = getattr(shared, name), getattr(alone, name)
        assert one.mean(axis=-1) == pytest.approx(other.mean(axis=-1), rel=0.02)
        assert one.std(axis=-1) == pytest.approx(other.std(axis=-1), rel=0.15)  # 4 standard errors
    for name, off in (("purchases_high", 0.5), ("value_high", 10.0)):
        assert (shared.customers[name] - alone.customers[name]).mean() == pytest.approx(0, abs=off)
    assert shared.customers["purchases_high"].nunique() > 3, "P(alive) is everybody's own"


def test_an_unknown_margin_makes_values_unknown_not_zero():
    found = valued(margin=None)
    assert found.customers[["residual_value", "value_low", "value_high"]].isna().all(axis=None)
    assert found.customers["expected_spend"].notna().all()
    assert found.value is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"weeks": 0}, "more than 0"), ({"margin": 30}, "0.35 for 35"), ({"discount": 12}, "0.10")],
)
def test_impossible_horizons_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Horizon(**({"weeks": 52} | wrong))


@pytest.mark.deep
@pytest.mark.parametrize("name", MODELS)
def test_deep_predictive_intervals_cover_later_purchases(name):
    """Over 60 companies; counts are whole, so that each tail holds less than 2.5 %."""
    model, truth = MODELS[name]
    frequent = truth | {"alpha": truth["alpha"] / 6}
    below, above, totals = [], [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        times = buying_times(name, frequent, 1_500, weeks=78, generator=generator)
        histories = observed(times, np.full(1_500, 52.0))
        later = np.array([((own > 52) & (own <= 78)).sum() for own in times])
        found = forecast(fit_buying(model, histories), histories, Horizon(26), seed=seed)
        each = found.customers
        below.append((later < each["purchases_low"]).mean())
        above.append((later > each["purchases_high"]).mean())
        low, high = np.quantile(found.purchases, (0.025, 0.975))
        totals.append(low <= later.sum() <= high)
    print(name, np.mean(below), np.mean(above), np.mean(totals))
    assert np.mean(below) < 0.027
    assert 0.008 < np.mean(above) < 0.027
    assert np.mean(totals) > 0.866  # three standard errors
