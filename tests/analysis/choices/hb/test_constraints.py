"""Part-worths held to an order: the arithmetic of steps, the draws, and what the answers say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from analysis.choices.coding import coding_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.constraints import constraints_of
from analysis.choices.hb.fit import packed_sets, prior_named
from analysis.choices.hb.packing import pack
from analysis.choices.partworths import level_worths
from analysis.choices.sets import choice_sets
from analysis.tables import check_choices
from tests.analysis.choices.conftest import level
from tests.analysis.choices.hb.conftest import Coded, log_likelihood
from tests.analysis.choices.hb.test_kernel import at

SHORT = Settings(burn_in=100, draws=60)
STEPS = np.array([0.5, 0.9, 1.0, 1.2])
"""Medians of plain to sweet to salty, of poor to good, and of a unit of money less."""


def ordered_study(make, **changes):
    """The study of this folder with orders: salty is best, good beats poor."""
    exercise = make[0]().choice_exercise().model_dump(mode="json", exclude_unset=True)
    taste, look, price = exercise["attributes"]
    taste["preference"] = look["preference"] = "increasing"
    return make[0](**({"attributes": [taste, look, price]} | changes))


@pytest.fixture(scope="module")
def ordered(make):
    return ordered_study(make)


def planted(study, make, people=300, tasks=8, spread=0.5, seed=5):
    """Choices of people whose steps are log-normal around STEPS; and everybody's part-worths."""
    exercise = study.choice_exercise()
    coding = coding_of(study, exercise)
    constraints = constraints_of(coding, "all")
    rng = np.random.default_rng(seed)
    b = np.column_stack(
        [np.log(STEPS) + spread * rng.normal(size=(people, 4)), rng.normal(-0.8, 1, people)]
    )
    beta = constraints.part_worths(b)
    frame = make[1](study, np.zeros(5), respondents=people, tasks=tasks).frame
    who = pd.factorize(frame["respondent"])[0]
    utility = np.einsum("rk,rk->r", coding.matrix(frame), beta[who]) + rng.gumbel(size=len(frame))
    best = utility.reshape(-1, 4).argmax(1) + np.arange(0, len(frame), 4)
    chosen = np.zeros(len(frame), bool)
    chosen[best] = True
    return check_choices(frame.assign(chosen=chosen), exercise), beta


@pytest.fixture(scope="module")
def answered(ordered, make):
    return planted(ordered, make)


@pytest.fixture(scope="module")
def fitted(ordered, answered):
    settings = Settings(burn_in=300, draws=1200)
    return fit_hb(ordered, answered[0], seed=1, monotone="all", settings=settings)


def test_gradient_in_logarithms_matches_differences_of_the_book(ragged: Coded):
    packed, logs = pack(ragged.x, ragged.y), [1, 4]
    b = 0.4 * ragged.beta

    def book(values):
        turned = values.copy()
        turned[:, logs] = np.exp(values[:, logs])
        return log_likelihood(ragged.x, ragged.y, turned)

    ll, grad, _ = at(packed, b, logs)
    np.testing.assert_allclose(ll, book(b), rtol=2e-5, atol=2e-4)
    for k in range(b.shape[1]):
        step = np.zeros(b.shape[1])
        step[k] = 1e-5
        numeric = (book(b + step) - book(b - step)) / 2e-5
        np.testing.assert_allclose(grad[:, k], numeric, atol=2e-3, rtol=2e-4)


def test_start_information_is_that_of_the_logarithms(ragged: Coded):
    packed, logs, width = pack(ragged.x, ragged.y), [0, 3], ragged.x.shape[3]
    point = np.tile(np.linspace(-0.5, 0.5, width), (150, 1))
    slope = np.where(np.isin(np.arange(width), logs), np.exp(point[0]), 1.0)
    natural = np.where(np.isin(np.arange(width), logs), np.exp(point), point)
    _, _, plain = at(packed, natural)
    _, _, found = at(packed, point, logs)
    np.testing.assert_allclose(found, plain * slope * slope[:, None], rtol=1e-4, atol=1e-2)


def test_steps_make_part_worths_in_order(ordered):
    coding = coding_of(ordered, ordered.choice_exercise())
    constraints = constraints_of(coding, "all")
    assert [(s.from_level, s.to_level) for s in constraints.steps] == [
        ("plain", "sweet"),
        ("sweet", "salty"),
        ("poor", "good"),
        ("2.0", "0.5"),
    ]
    beta = constraints.part_worths(np.append(np.log(STEPS), -0.8))
    worths = dict(
        zip(
            ["plain", "sweet", "salty", "poor", "good", "price", "none"],
            coding.level_rows()[1] @ beta,
            strict=True,
        )
    )
    assert worths["sweet"] - worths["plain"] == pytest.approx(0.5)
    assert worths["salty"] - worths["sweet"] == pytest.approx(0.9)
    assert worths["plain"] + worths["sweet"] + worths["salty"] == pytest.approx(0)
    assert worths["good"] - worths["poor"] == pytest.approx(1.0)
    assert (worths["price"], worths["none"]) == (pytest.approx(-1.2), pytest.approx(-0.8))


def test_moments_are_those_of_simulated_people(ordered):
    constraints = constraints_of(coding_of(ordered, ordered.choice_exercise()), "all")
    rng = np.random.default_rng(2)
    root = np.tril(rng.normal(size=(5, 5))) * 0.3
    gamma, sigma = np.stack([np.append(np.log(STEPS), -0.8), 0.2 * np.ones(5)]), root @ root.T
    means, spread = constraints.moments(gamma, sigma)
    for row, centre in ((0, gamma[0]), (1, gamma[0] + gamma[1])):
        b = multivariate_normal(centre, sigma).rvs(400_000, random_state=rng)
        people = constraints.part_worths(b)
        expected = means[0] + means[1] if row else means[0]
        np.testing.assert_allclose(people.mean(0), expected, atol=0.02)
        if not row:
            np.testing.assert_allclose(np.cov(people.T), spread, atol=0.05)


def test_the_order_holds_in_every_draw_of_everybody(fitted):
    hierarchy = fitted.hierarchy
    beta = hierarchy.posterior.beta
    lengths = beta @ hierarchy.constraints.contrasts.T.astype(np.float32)
    assert lengths.shape == (2, 400, 300, 4)
    assert lengths.min() > -1e-5
    assert (beta[..., 3] <= 0).all()
    assert (hierarchy.posterior.mu @ hierarchy.constraints.contrasts.T).min() > 0


def test_planted_steps_come_back(fitted, answered):
    assert fitted.converged, fitted.warnings
    beta = answered[1]
    mean, deviation = fitted.hierarchy.individual()
    people = np.array(fitted.hierarchy.respondents).astype(int)
    inside = np.abs(mean - beta[people]) < 1.96 * deviation
    assert inside.mean() == pytest.approx(0.95, abs=0.03)
    steps = fitted.hierarchy.posterior.mu @ fitted.hierarchy.constraints.contrasts.T
    low, high = np.quantile(steps.reshape(-1, 4), [0.001, 0.999], axis=0)
    truth = STEPS * np.exp(0.5**2 / 2) * [1, 1, 1, 1.5]
    assert np.all((low < truth) & (truth < high)), (low, truth, high)
    assert not [w for w in fitted.warnings if "order" in w or "nothing" in w]


def test_mean_and_covariance_agree_with_the_respondents(fitted):
    """What mu and Sigma mean: the mean and covariance of part-worths over people."""
    posterior = fitted.hierarchy.posterior
    worth = posterior.beta.astype(float)
    mu = fitted.coefficients
    assert np.all(np.abs(worth.mean((0, 1, 2)) - mu) < 0.15)
    spread = np.sqrt(np.diag(posterior.sigma.mean((0, 1))))
    np.testing.assert_allclose(worth.std((2,)).mean((0, 1)), spread, rtol=0.25)
    worths = level_worths(fitted, "posterior")
    assert all(w.se > 0 for w in worths)


def test_an_order_that_the_answers_contradict_is_said(ordered, choices):
    """The choices of this folder come from sweet > salty > plain: the last step is wrong."""
    table = replace(choices, exercise=ordered.choice_exercise())
    found = fit_hb(ordered, table, seed=1, monotone=["taste"], settings=SHORT)
    wrong = [w for w in found.warnings if "contradict the order" in w]
    assert len(wrong) == 1
    assert "'taste' from 'sweet' to 'salty'" in wrong[0]
    checks = {(c.step.from_level, c.step.to_level): c for c in found.hierarchy.step_checks}
    assert not checks["plain", "sweet"].contradicted
    assert checks["sweet", "salty"].worth_nothing > checks["plain", "sweet"].worth_nothing


def test_one_respondent_has_no_errors_to_contradict_with(ordered, answered):
    frame = answered[0].frame
    one = frame[frame["respondent"] == "0"].reset_index(drop=True)
    found = fit_hb(ordered, replace(answered[0], frame=one), seed=1, monotone="all", settings=SHORT)
    assert not [c for c in found.hierarchy.step_checks if c.contradicted or np.isfinite(c.se)]
    assert (found.hierarchy.posterior.beta[..., 3] <= 0).all()


def test_a_minority_against_the_order_is_said(ordered, make):
    """Half of the people like poor looks: together they hardly contradict, alone they do."""
    table, _ = planted(ordered, make, people=200)
    frame = table.frame.copy()
    turned = frame["respondent"].astype(int) % 2 == 0
    frame.loc[turned, "look"] = frame.loc[turned, "look"].map({"poor": "good", "good": "poor"})
    found = fit_hb(
        ordered,
        replace(table, frame=frame),
        seed=1,
        monotone="look",
        settings=Settings(burn_in=150, draws=150),
    )
    assert any("'look' from 'poor' to 'good'" in w for w in found.warnings)


def test_prices_fall_without_a_stated_preference_and_orders_may_be_listed_backwards(make):
    study = ordered_study(make)
    exercise = study.choice_exercise().model_dump(mode="json", exclude_unset=True)
    taste, look, price = exercise["attributes"]
    look["preference"] = "decreasing"
    price.pop("coding")
    other = make[0](attributes=[taste, look, price])
    constraints = constraints_of(coding_of(other, other.choice_exercise()), ["look", "price"])
    ends = [(s.from_level, s.to_level) for s in constraints.steps]
    assert ends == [("good", "poor"), ("p4", "p3"), ("p3", "p2"), ("p2", "p1")]
    price |= {"coding": "piecewise", "knots": [1.0], "preference": "decreasing"}
    other = make[0](attributes=[taste, look, price])
    coding = coding_of(other, other.choice_exercise())
    constraints = constraints_of(coding, ["price"])
    assert [(s.from_level, s.to_level) for s in constraints.steps] == [
        ("1.0", "0.5"),
        ("2.0", "1.0"),
    ]
    slopes = constraints.part_worths(np.zeros(coding.width))[coding.places("price")]
    np.testing.assert_allclose(slopes, -1)
    np.testing.assert_allclose(constraints.moderate()[coding.places("price")], 2 / 1.5)


@pytest.mark.parametrize(
    ("changes", "monotone", "words"),
    [
        ({}, ["colour"], "no attribute 'colour'; known: taste, look, price"),
        ({"interactions": [["look", "price"]]}, "all", "'look' takes part in an interaction"),
    ],
)
def test_orders_that_cannot_be_held_are_refused(make, choices, changes, monotone, words):
    study = ordered_study(make, **changes)
    with pytest.raises(ValueError, match=words):
        fit_hb(study, replace(choices, exercise=study.choice_exercise()), seed=1, monotone=monotone)


def test_attributes_without_an_order_are_refused(make, study, choices):
    with pytest.raises(ValueError, match="'taste' states no order"):
        fit_hb(study, choices, seed=1, monotone=["taste", "price"])
    exercise = study.choice_exercise().model_dump(mode="json", exclude_unset=True)
    plain = [a for a in exercise["attributes"] if a["id"] != "price"]
    bare = make[0](attributes=plain)
    with pytest.raises(ValueError, match="no attribute states a 'preference'"):
        constraints_of(coding_of(bare, bare.choice_exercise()), "all")
    price = exercise["attributes"][2] | {"preference": "increasing"}
    price["levels"] = [level("a", number=1), level("b", number=3), level("c", number=2)]
    mixed = make[0](attributes=[*plain, price])
    with pytest.raises(ValueError, match="neither rise nor fall"):
        constraints_of(coding_of(mixed, mixed.choice_exercise()), ["price"])


def test_the_prior_is_that_of_bayesm_with_sign_restrictions(ordered):
    coding = coding_of(ordered, ordered.choice_exercise())
    constraints = constraints_of(coding, ["look", "price"])
    prior = prior_named("bayesm", coding, 2, constraints)
    assert prior.nu == 5 + 15
    np.testing.assert_allclose(prior.scale, 20 * np.diag([1, 1, 0.2, 0.2, 1]))
    np.testing.assert_allclose(np.diag(prior.precision), [0.1, 0.01])
    np.testing.assert_allclose(np.log(prior.medians), [0, 0, 2, 2, 0])
    sawtooth = prior_named("sawtooth", coding, 1, constraints)
    np.testing.assert_allclose(np.diag(sawtooth.scale) / 20, [2 / 3, 2 / 3, 0.2, 0.2, 1])
    np.testing.assert_allclose(sawtooth.medians, [1, 1, 2, 2 / 1.5, 1])


def test_medians_of_the_prior_stand_in_the_design(ordered, answered):
    coding = coding_of(ordered, ordered.choice_exercise())
    sets = choice_sets(coding, answered[0].frame)
    constraints = constraints_of(coding, "all").with_medians(np.array([2.0, 3, 4, 5, 1]))
    packed = packed_sets(sets, constraints)
    assert packed.logs == (0, 1, 2, 3)
    b = np.random.default_rng(3).normal(size=(300, 5)) * 0.3
    beta = constraints.part_worths(b)
    ll, _, _ = at(packed, b, packed.logs)
    plain, _, _ = at(packed_sets(sets), beta)
    np.testing.assert_allclose(ll, plain, rtol=1e-4, atol=1e-3)
    assert beta[:, 3] == pytest.approx(-5 * np.exp(b[:, 3]))


def test_a_prior_far_from_the_answers_does_not_lose_the_start(ordered, answered, fitted):
    """bayesm expects steps of e^2: the chains must still start where the answers are."""
    settings = Settings(burn_in=200, draws=200)
    found = fit_hb(ordered, answered[0], seed=1, prior="bayesm", monotone="all", settings=settings)
    np.testing.assert_allclose(found.coefficients, fitted.coefficients, atol=0.25)


def test_covariates_and_constraints_together(ordered, answered):
    table, beta = answered
    names = pd.unique(table.frame["respondent"])
    facts = pd.DataFrame({"thrift": np.log(-beta[names.astype(int), 3])}, index=names)
    found = fit_hb(
        ordered,
        table,
        seed=2,
        covariates=facts,
        monotone=["price"],
        settings=Settings(burn_in=200, draws=300),
    )
    gamma = found.hierarchy.posterior.gamma
    assert gamma.shape[2] == 2
    assert (gamma[:, :, 0, 3] < 0).all()
    # one unit of log price sensitivity more: e times as sensitive
    ratio = gamma[:, :, 1, 3] / gamma[:, :, 0, 3]
    assert ratio.mean() == pytest.approx(np.e - 1, abs=4 * ratio.std())
    assert ratio.mean() > 3 * ratio.std()
