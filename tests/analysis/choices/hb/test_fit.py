"""``fit_hb``: studies in, part-worths with draws out, and no silent wrong number."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.hb import Prior, Settings, final, fit_hb
from analysis.choices.hb.fit import packed_sets, prior_named
from analysis.choices.identification import NotIdentified
from analysis.choices.mnl import NotConverged, fit_mnl
from analysis.choices.partworths import level_worths
from analysis.choices.sets import choice_sets
from analysis.tables import check_choices

SHORT = Settings(burn_in=100, draws=60)
TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])


@pytest.fixture(scope="module")
def differing(study, choices):
    """Choices of 200 people whose tastes differ, price sensitivity twice as much as the rest."""
    rng = np.random.default_rng(8)
    deviation = np.array([0.6, 0.6, 0.6, 1.2, 0.6])
    frame = choices.frame[choices.frame["respondent"].astype(int) < 200].reset_index(drop=True)
    people = pd.factorize(frame["respondent"])[0]
    beta = TRUTH + deviation * rng.normal(size=(200, 5))
    coded = coding_of(study, choices.exercise).matrix(frame)
    utility = np.einsum("rk,rk->r", coded, beta[people]) + rng.gumbel(size=len(frame))
    best = utility.reshape(-1, 4).argmax(1) + np.arange(0, len(frame), 4)
    chosen = np.zeros(len(frame), bool)
    chosen[best] = True
    frame["chosen"] = chosen
    return check_choices(frame, choices.exercise), beta


@pytest.fixture(scope="module")
def fitted(study, differing):
    settings = Settings(burn_in=300, draws=1200)
    prior = Prior(8.0, 8 * 0.4 * np.eye(5), 0.01 * np.eye(1))
    return fit_hb(study, differing[0], seed=1, prior=prior, settings=settings)


def test_recovers_the_planted_means_and_spreads(fitted):
    assert fitted.converged, fitted.warnings
    error = np.sqrt(np.diag(fitted.covariance("posterior")))
    assert np.all(np.abs(fitted.coefficients - TRUTH) < 4 * error)
    sigma = fitted.hierarchy.posterior.sigma
    spread = np.sqrt(np.diagonal(sigma, axis1=2, axis2=3)).reshape(-1, 5)
    low, high = np.quantile(spread, [0.001, 0.999], axis=0)
    assert np.all((low < [0.6, 0.6, 0.6, 1.2, 0.6]) & (high > [0.6, 0.6, 0.6, 1.2, 0.6]))


def test_individuals_stand_with_their_names(fitted, differing):
    mean, deviation = fitted.hierarchy.individual()
    assert mean.shape == deviation.shape == (200, 5)
    people = np.array(fitted.hierarchy.respondents).astype(int)
    truth = differing[1][people]
    assert np.corrcoef(mean[:, 3], truth[:, 3])[0, 1] > 0.6
    assert np.mean(np.abs(mean - truth) < 1.96 * deviation) == pytest.approx(0.95, abs=0.03)


def test_levels_carry_the_standard_deviation_of_the_population_mean(fitted):
    worths = {w.level or w.attribute: w for w in level_worths(fitted, "posterior")}
    total = worths["plain"].part_worth + worths["sweet"].part_worth + worths["salty"].part_worth
    assert total == pytest.approx(0, abs=1e-12)
    assert 0.02 < worths["price"].se < 0.5


def test_people_who_agree_get_the_logit_back(study, choices):
    logit = fit_mnl(study, choices)
    prior = Prior(60.0, 60 * 0.01 * np.eye(5), 0.01 * np.eye(1))
    bayes = fit_hb(study, choices, seed=2, prior=prior, settings=Settings(burn_in=300, draws=600))
    scale = bayes.coefficients[3] / logit.coefficients[3]
    np.testing.assert_allclose(bayes.coefficients, scale * logit.coefficients, atol=0.08)
    assert scale == pytest.approx(1, abs=0.1)


def test_the_order_of_rows_changes_nothing_but_the_order_of_people(study, choices):
    one = fit_hb(study, choices, seed=3, settings=SHORT)
    frame = choices.frame.copy()
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))].reset_index(drop=True)
    two = fit_hb(study, replace(choices, frame=frame), seed=3, settings=SHORT)
    assert sorted(one.hierarchy.respondents) == sorted(two.hierarchy.respondents)
    apart = np.abs(one.coefficients - two.coefficients)
    assert np.all(apart < 6 * np.sqrt(np.diag(one.covariance("posterior"))))


def test_tasks_of_different_size_are_packed_with_what_was_shown(study, choices):
    frame = choices.frame
    drop = (frame["task"] == 2) & (frame["alternative"] == 3) & ~frame["chosen"]
    sets = choice_sets(coding_of(study, choices.exercise), frame[~drop].reset_index(drop=True))
    packed = packed_sets(sets)
    absent = (packed.offset < 0).sum()
    filled = 64 * packed.tasks.size - packed.respondents
    rows = packed.offset.shape[1]
    assert absent == drop.sum() + filled * rows


def test_few_draws_are_marked_and_refused_as_final(study, choices):
    short = fit_hb(study, choices, seed=4, settings=SHORT)
    assert not short.converged
    assert all(w.startswith("not final") for w in short.warnings)
    with pytest.raises(NotConverged, match="not final yet"):
        final(short)


def test_converged_draws_are_final(fitted):
    assert final(fitted) is fitted


def test_covariates_move_the_part_worths(study, choices, differing):
    table, beta = differing
    names = pd.unique(table.frame["respondent"])
    people = names.astype(int)
    facts = pd.DataFrame({"sensitive": beta[people, 3]}, index=names)
    found = fit_hb(
        study, table, seed=5, covariates=facts, settings=Settings(burn_in=300, draws=800)
    )
    slope = found.hierarchy.posterior.gamma[:, :, 1, 3]
    assert found.hierarchy.covariates == ("sensitive",)
    assert slope.mean() == pytest.approx(1, abs=4 * slope.std())
    assert slope.mean() > 5 * slope.std()
    assert found.coefficients[3] == pytest.approx(beta[people, 3].mean(), abs=0.3)


def test_covariates_missing_or_constant_are_refused(study, choices):
    names = pd.unique(choices.frame["respondent"])
    some = pd.DataFrame({"age": np.arange(10.0)}, index=names[:10])
    with pytest.raises(ValueError, match="290 respondents lack"):
        fit_hb(study, choices, seed=1, covariates=some)
    same = pd.DataFrame({"age": np.ones(len(names))}, index=names)
    with pytest.raises(ValueError, match="do not vary: age"):
        fit_hb(study, choices, seed=1, covariates=same)


def test_an_attribute_that_never_varies_is_named(study, choices):
    frame = choices.frame.copy()
    frame["look"] = frame["look"].where(frame["look"].isna(), "good")
    with pytest.raises(NotIdentified, match="look"):
        fit_hb(study, replace(choices, frame=frame), seed=1)


def test_one_respondent_gives_wide_draws_not_a_crash(study, choices):
    frame = choices.frame
    one = frame[frame["respondent"] == frame["respondent"].iloc[0]].reset_index(drop=True)
    found = fit_hb(study, replace(choices, frame=one), seed=1, settings=SHORT)
    assert found.n_respondents == 1
    assert np.isfinite(found.coefficients).all()


def test_perfect_prediction_stays_finite_under_the_prior(study, choices):
    """Everybody always takes the cheapest: the logit has no estimate, the posterior has."""
    frame = choices.frame.copy()
    price = frame["price"].astype(str).str[1:].where(frame["price"].notna(), "9").astype(int)
    size = 4
    best = price.to_numpy().reshape(-1, size).argmin(1) + np.arange(0, len(frame), size)
    frame["chosen"] = False
    frame.loc[best, "chosen"] = True
    found = fit_hb(study, replace(choices, frame=frame), seed=1, settings=SHORT)
    assert np.isfinite(found.coefficients).all()
    assert found.coefficients[3] < -2
    assert any("nobody chooses against" in w and "price" in w for w in found.warnings)


def test_part_worths_that_the_answers_limit_are_not_said_to_rest_on_the_prior(fitted):
    assert not any("rests on the prior" in w for w in fitted.warnings)


def test_priors_by_name(study, choices):
    coding = coding_of(study, choices.exercise)
    sawtooth = prior_named("sawtooth", coding)
    assert sawtooth.nu == 10
    np.testing.assert_allclose(np.diag(sawtooth.scale), 10 * np.array([2 / 3, 2 / 3, 0.5, 1, 1]))
    assert prior_named("bayesm", coding).nu == 8
    with pytest.raises(ValueError, match="sawtooth, bayesm"):
        prior_named("flat", coding)


def test_a_spread_that_is_the_prior_s_is_pointed_out(study, make):
    found = fit_hb(study, make[1](study, TRUTH, respondents=1, tasks=60), seed=1, settings=SHORT)
    assert any("1 respondent(s) for 5 part-worths: the spread" in w for w in found.warnings)


def test_odd_units_of_a_linear_attribute_are_pointed_out(make):
    make_study, simulate = make
    exercise = make_study().choice_exercise().model_dump(mode="json", exclude_unset=True)
    attributes = exercise["attributes"]
    for level in attributes[2]["levels"]:
        level["number"] *= 100
    study = make_study(attributes=attributes)
    table = simulate(study, TRUTH * [1, 1, 1, 0.01, 1], respondents=60)
    found = fit_hb(study, table, seed=1, settings=SHORT)
    assert any("'price' is tested over 150 units" in w for w in found.warnings)
