from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate
from scipy.special import hyp2f1

from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import fit_buying, row_logs, surface
from analysis.purchases.lifetime_value.covariates import Covariates, covariates_of
from analysis.purchases.lifetime_value.gamma_gamma import fit_gamma_gamma
from analysis.purchases.lifetime_value.grouped import Histories
from analysis.purchases.lifetime_value.likelihood import NotIdentified
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from tests.analysis.purchases.lifetime_value.customers_of_truth import (
    BG,
    PARETO,
    buying_times,
    observed,
)

MODELS = {"pareto-nbd": (PARETO_NBD, PARETO), "bg-nbd": (BG_NBD, BG)}


def histories(*rows):
    return Histories(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def simulated(name, n, *, seed, weeks=52, **factors):
    generator = np.random.default_rng(seed)
    times = buying_times(name, MODELS[name][1], n, weeks=weeks, generator=generator, **factors)
    return observed(times, generator.uniform(weeks / 3, weeks, n))


HARD = histories(
    (0, 0, 0, 1),  # bought for the first time today
    (0, 0, 150, 7),
    (3, 20, 20, 2),  # bought again today: t_x = T
    (900, 30, 300, 1),
    (1, 1 / 7, 500, 1),
    (2, 30.43, 38.86, 4),
)


@pytest.mark.parametrize(
    "parameters", [(0.55, 10.6, 0.6, 11.7), (2.0, 0.05, 0.9, 400), (4, 90, 3, 0.01)]
)
def test_the_likelihood_of_pareto_nbd_is_the_integral(parameters):
    r, alpha, s, beta = parameters
    logs = np.tile(np.log(parameters), (len(HARD), 1))
    found = PARETO_NBD.terms(HARD, logs)
    for row, (x, t_x, T) in enumerate(zip(HARD.x, HARD.t_x, HARD.T, strict=True)):
        power = r + x
        reference = -power * np.log(alpha + t_x)

        def dropped(y, power=power, t_x=t_x, reference=reference):
            u = t_x + (beta + t_x) * np.expm1(y)
            logs = -power * np.log(alpha + u) - (s + 1) * np.log(beta + u) - reference
            return s * np.exp(logs) * (beta + u)

        end = np.log((beta + T) / (beta + t_x))
        narrow = min(end, 60 * (alpha + t_x) / (power * (beta + t_x)))
        gone = integrate.quad(dropped, 0, narrow, epsabs=0, epsrel=1e-11, limit=500)[0]
        if narrow < end:
            gone += integrate.quad(dropped, narrow, end, epsabs=1e-300, limit=500)[0]
        alive = np.exp(-power * np.log(alpha + T) - s * np.log(beta + T) - reference)
        assert found.p_alive[row] == pytest.approx(alive / (alive + gone), rel=1e-8, abs=1e-300)


def test_the_likelihood_of_pareto_nbd_is_the_published_one():
    """Fader & Hardie (2005), "A note on deriving the Pareto/NBD model": alpha >= beta or less."""
    rows = simulated("pareto-nbd", 200, seed=3)
    for r, alpha, s, beta in [(0.6, 12.0, 0.7, 5.0), (0.6, 5.0, 0.7, 12.0)]:
        second = s + 1 if alpha >= beta else r + rows.x
        larger, apart, power = max(alpha, beta), abs(alpha - beta), r + s + rows.x

        def part(t, second=second, larger=larger, apart=apart, power=power):
            z = apart / (larger + t)
            return hyp2f1(power, second, power + 1, z) / (larger + t) ** power

        gone = s / power * (part(rows.t_x) - part(rows.T))
        alive = (alpha + rows.T) ** -(r + rows.x) * (beta + rows.T) ** -s
        found = PARETO_NBD.terms(rows, np.tile(np.log([r, alpha, s, beta]), (200, 1)))
        np.testing.assert_allclose(found.p_alive, alive / (alive + gone), rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_the_likelihood(name):
    model, truth = MODELS[name]
    rows = simulated(name, 60, seed=4)
    generator = np.random.default_rng(5)
    covariates = Covariates(
        generator.normal(size=(60, 2)), generator.normal(size=(60, 1)), ("a", "b", "c")
    )
    at = np.append(np.log(list(truth.values())), [0.2, -0.1, 0.3])
    here = surface(model, rows, at, covariates)
    for place in range(7):
        step = np.zeros(7)
        step[place] = 1e-5
        up, down = (surface(model, rows, at + sign * step, covariates) for sign in (1, -1))
        assert here.gradient[place] == pytest.approx((up.value - down.value) / 2e-5, rel=1e-5)
        np.testing.assert_allclose(
            here.hessian[place], (up.gradient - down.gradient) / 2e-5, rtol=1e-5, atol=1e-5
        )
    logs = np.tile(at[:4], (60, 1))
    by_alive = model.terms(rows, logs).logit_alive_gradient
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-5
        p, q = (model.terms(rows, logs + sign * step).p_alive for sign in (1, -1))
        some = (p < 1) & (p > 1e-9)
        odds = np.log(p[some] / (1 - p[some])) - np.log(q[some] / (1 - q[some]))
        np.testing.assert_allclose(by_alive[some, place], odds / 2e-5, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_hard_histories_have_finite_figures(name):
    model, truth = MODELS[name]
    found = model.terms(HARD, row_logs(model, np.log(list(truth.values())), len(HARD), None))
    for figures in (found.log_likelihood, found.gradient, found.hessian, found.p_alive):
        assert np.isfinite(figures).all()
    assert found.p_alive[0] == 1
    assert found.p_alive[3] == pytest.approx(0)


@pytest.mark.parametrize("name", MODELS)
def test_the_truth_is_recovered_and_grouping_changes_nothing(name):
    model, truth = MODELS[name]
    rows = simulated(name, 8_000, seed=1)
    days = histories(*zip(rows.x, np.ceil(rows.t_x), np.ceil(rows.T), rows.n, strict=True))
    single = fit_buying(model, days)
    kinds, counts = np.unique(np.stack([days.x, days.t_x, days.T]), axis=1, return_counts=True)
    grouped = fit_buying(model, Histories(*kinds, counts.astype(float)))
    assert grouped.n_rows < grouped.n_customers == single.n_customers == 8_000
    assert grouped.log_likelihood == pytest.approx(single.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(grouped.coefficients, single.coefficients, rtol=1e-6)
    exact = fit_buying(model, rows)
    for parameter, value in truth.items():
        error = exact.standard_errors[parameter]
        assert abs(exact.parameters[parameter] - value) < 3.5 * error, parameter


def test_the_first_guess_from_some_rows_changes_nothing(monkeypatch):
    rows = simulated("pareto-nbd", 3_000, seed=2)
    usual = fit_buying(PARETO_NBD, rows)
    monkeypatch.setattr("analysis.purchases.lifetime_value.buying.MANY", 1_000)
    monkeypatch.setattr("analysis.purchases.lifetime_value.buying.SAMPLE", 500)
    np.testing.assert_allclose(
        fit_buying(PARETO_NBD, rows).coefficients, usual.coefficients, rtol=1e-6
    )


@pytest.mark.parametrize("name", MODELS)
def test_covariates_of_rate_and_dropout_are_recovered(name):
    model, _ = MODELS[name]
    z = np.random.default_rng(8).normal(size=(6_000, 1))
    rows = simulated(
        name,
        6_000,
        seed=9,
        rate_factor=np.exp(0.4 * z[:, 0]),
        dropout_factor=np.exp(-0.5 * z[:, 0]),
    )
    fit = fit_buying(model, rows, covariates=Covariates(z, z, ("rate:z", "dropout:z")))
    for name, truth in {"rate:z": 0.4, "dropout:z": -0.5}.items():
        value, error = fit.covariates[name]
        assert abs(value - truth) < 3.5 * error
        assert error < 0.2


def test_customers_who_never_drop_out_do_not_tell_the_dropout():
    generator = np.random.default_rng(1)
    weeks = np.full(600, 60.0)
    rows = observed([np.arange(1.0, 60.0, g) for g in generator.uniform(1, 3, 600)], weeks)
    with pytest.raises(NotIdentified, match="do not tell"):
        fit_buying(PARETO_NBD, rows)


@pytest.mark.parametrize("row", [(1, 5, 4, 1), (0, 3, 9, 1), (-1, 0, 9, 1), (1, 1, 9, 0)])
def test_impossible_histories_are_refused(row):
    with pytest.raises(ValueError, match="history 0 is impossible"):
        histories(row)


def test_covariates_must_be_there_for_everybody():
    customers = pd.Series(["a", "b", "c"])
    table = pd.DataFrame({"customer": ["a", "b"], "age": ["40", "x"], "sex": [1, 1]})
    with pytest.raises(ValueError, match=r"no column 'height'"):
        covariates_of(table, customers, rate=["height"], dropout=[])
    with pytest.raises(ValueError, match=r"'age' is missing or no number for 2 customer"):
        covariates_of(table, customers, rate=["age"], dropout=[])
    with pytest.raises(ValueError, match=r"'sex' is the same"):
        covariates_of(table, customers[:2], rate=[], dropout=["sex"])
    table["age"] = ["40", "60"]
    found = covariates_of(table, customers[:2], rate=["age"], dropout=[])
    np.testing.assert_array_equal(found.rate[:, 0], [-10, 10])


def spending(n, *, seed, p=5.0, q=4.0, v=30.0):
    generator = np.random.default_rng(seed)
    days = generator.geometric(0.3, n).astype(float)
    nu = generator.gamma(q, 1 / v, n)
    return days, generator.gamma(p * days) / nu / days


def test_spend_is_recovered_and_its_derivatives_end_at_zero():
    days, mean = spending(5_000, seed=1)
    fit = fit_gamma_gamma(np.append(days, 0.0), np.append(mean, 0.0), dropped_days=3)
    assert (fit.n_customers, fit.dropped_days) == (5_000, 3)
    for name, truth in {"p": 5.0, "q": 4.0, "v": 30.0}.items():
        assert abs(fit.parameters[name] - truth) < 3.5 * fit.standard_errors[name]
    assert fit.correlation_low < 0 < fit.correlation_high
    # Regression to the mean p v / (q - 1): the fewer the days, the nearer.
    population, few, many = fit.expected(np.array([0.0, 1, 50]), np.array([0.0, 100, 100]))
    assert population == pytest.approx(50, rel=0.05)
    assert population < few < many < 100


def test_money_in_another_unit_gives_the_same_fit():
    days, mean = spending(500, seed=2)
    one, other = fit_gamma_gamma(days, mean), fit_gamma_gamma(days, 1_000 * mean)
    assert other.parameters["v"] == pytest.approx(1_000 * one.parameters["v"], rel=1e-6)
    assert other.parameters["p"] == pytest.approx(one.parameters["p"], rel=1e-6)


def test_spend_of_too_few_is_refused():
    with pytest.raises(ValueError, match="only 2 customers"):
        fit_gamma_gamma(np.array([1.0, 2, 0]), np.array([5.0, 7, 0]))


@pytest.mark.deep
@pytest.mark.parametrize("name", MODELS)
def test_deep_intervals_of_the_parameters_cover_the_truth(name):
    model, truth = MODELS[name]
    logs = np.log(list(truth.values()))
    hits = np.zeros(4)
    for seed in range(400):
        fit = fit_buying(model, simulated(name, 5_000, seed=seed))
        hits += np.abs(fit.coefficients - logs) < 1.96 * np.sqrt(np.diag(fit.covariance))
    print(name, dict(zip(truth, hits / 400, strict=True)))
    assert (np.abs(hits / 400 - 0.95) < 0.033).all()  # three standard errors
