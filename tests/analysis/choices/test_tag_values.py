"""Functional, emotional and price value: per respondent, by segment, and what they depend on."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.mnl import fit_mnl
from analysis.choices.tag_values import tag_values, without_values
from analysis.choices.tag_values.individual import individual_values
from analysis.choices.tag_values.over_draws import tag_values_over_draws
from analysis.choices.willingness_to_pay import money_value_of_tag
from analysis.choices.zero_centred import zero_centred

ONE = [-0.6, 0.4, -0.5, -2.0, -0.8]  # taste -.6 .4 .2, look -.5 .5, price -2 (tested over 1.5)
TWO = [-0.3, 0.5, -0.1, -1.0, -0.8]  # taste -.3 .5 -.2, look -.1 .1, price -1


@pytest.fixture(scope="module")
def fitted(study, choices):
    """200 respondents like ONE, 100 like TWO, in every draw."""
    short = fit_hb(study, choices, seed=1, settings=Settings(burn_in=100, draws=50, kept=50))
    beta = np.tile(np.array(ONE, np.float32), (2, 25, 300, 1))
    beta[:, :, 200:] = TWO
    posterior = replace(short.hierarchy.posterior, beta=beta)
    return replace(short, hierarchy=replace(short.hierarchy, posterior=posterior))


def figures(found):
    return {(f.tag, f.figure): f for f in found}


def test_every_respondent_has_money_and_shares(fitted):
    table = individual_values(fitted)
    first, last = table.iloc[0], table.iloc[-1]
    assert first["functional_money"] == pytest.approx(1.0 / 2.0)
    assert last["functional_money"] == pytest.approx(0.2 / 1.0)
    # taste is valued from plain (worst) to sweet (best on average), for everybody
    assert first["emotional_money"] == pytest.approx(1.0 / 2.0)
    assert last["emotional_money_low"] == pytest.approx(0.8)
    assert first["price_share"] == pytest.approx(3.0 / (1.0 + 1.0 + 3.0))
    assert last["emotional_share"] == pytest.approx(0.8 / (0.8 + 0.2 + 1.5))
    assert first[["functional_share", "emotional_share", "price_share"]].sum() == pytest.approx(1)
    assert (table["price_does_not_deter"] == 0).all()


def test_infinite_amounts_and_undeterred_draws_are_kept(fitted):
    beta = fitted.hierarchy.posterior.beta.copy()
    beta[:, :5, 0, 3] = 0.5
    posterior = replace(fitted.hierarchy.posterior, beta=beta)
    changed = replace(fitted, hierarchy=replace(fitted.hierarchy, posterior=posterior))
    first = individual_values(changed).iloc[0]
    assert first["price_does_not_deter"] == pytest.approx(0.2)
    assert first["functional_money"] == pytest.approx(0.5)
    assert np.isinf(first["functional_money_high"])


def test_segments_have_their_own_figures_and_small_ones_are_suppressed(fitted):
    names = fitted.hierarchy.respondents
    segments = {name: "many" if n < 200 else "few" for n, name in enumerate(names)}
    segments |= dict.fromkeys(names[200:209], "handful")
    found = tag_values_over_draws(fitted, seed=1, segments=segments)
    assert list(found) == ["", "few", "handful", "many"]
    many, few = figures(found["many"]), figures(found["few"])
    assert many["functional", "money"].estimate.value == pytest.approx(0.5)
    assert few["functional", "money"].estimate.value == pytest.approx(0.2)
    assert many["functional", "money"].what == "look: poor to good"
    assert few["price", "share"].estimate.value == pytest.approx(1.5 / 2.5)
    assert few["price", "share over half the tested prices"].estimate.value == pytest.approx(
        0.75 / 1.75
    )
    assert (many["price", "share"].estimate.n, few["price", "share"].estimate.n) == (200, 91)
    for figure in found["handful"]:
        assert figure.estimate.reason == "suppressed: fewer than 10 respondents"
        assert figure.estimate.n == 9


def test_everybody_is_a_mean_of_shares_and_the_share_of_the_mean_is_named(fitted):
    found = figures(tag_values_over_draws(fitted, seed=1)[""])
    mean = (200 * 0.6 + 100 * 0.6) / 300
    assert found["price", "share"].estimate.value == pytest.approx(mean, abs=0.01)
    looks = (200 * 1.0 / 5.0 + 100 * 0.2 / 2.5) / 300
    own = found["functional", "share"]
    assert own.estimate.value == pytest.approx(looks, abs=0.01)
    assert own.estimate.low < looks < own.estimate.high
    centre = (2 * np.array(ONE) + np.array(TWO)) / 3
    spread = [2 * abs(centre[2]), centre[1] - centre[0], 1.5 * abs(centre[3])]
    of_mean = found["functional", "share of the mean part-worths"].estimate
    assert of_mean.value == pytest.approx(spread[0] / sum(spread), abs=0.01)
    assert "mean part-worths" in of_mean.method
    # everybody's draws are their own mean here: pure noise would score nothing
    assert own.null_reference == pytest.approx(0, abs=1e-6)


def test_weights_enter_what_is_reported(fitted):
    names = fitted.hierarchy.respondents
    weights = {name: 0.0 if n < 200 else 3.0 for n, name in enumerate(names)}
    found = figures(tag_values_over_draws(fitted, seed=1, weights=weights)[""])
    assert found["functional", "money"].estimate.value == pytest.approx(0.2)
    assert found["functional", "money"].estimate.n == 100


def test_contestable_tags_are_turned(make):
    make_study, simulate = make
    attributes = make_study().choice_exercise().model_dump(mode="json")["attributes"]
    attributes[1]["contestable"] = True
    study = make_study(attributes=attributes)
    logit = fit_mnl(study, simulate(study, np.array(ONE)))
    found = figures(tag_values(logit))
    both = found["emotional", "money if look counted as emotional"].estimate
    apart = [money_value_of_tag(logit, tag).money for tag in ("functional", "emotional")]
    assert both.value == pytest.approx(sum(money.value for money in apart))
    assert ("functional", "money if look counted as emotional") not in found
    assert found["functional", "money"].estimate == apart[0]
    share = "share of the mean part-worths"
    price = found["price", share].estimate.value
    half = found["price", f"{share} over half the tested prices"].estimate.value
    assert half == pytest.approx(price / 2 / (1 - price / 2))
    assert all(f.estimate.reason == "why" for f in without_values(logit, "why", n=3))


def test_half_the_tested_prices_are_not_half_the_range_of_a_bent_price(make):
    make_study, simulate = make
    attributes = make_study().choice_exercise().model_dump(mode="json")["attributes"]
    attributes[-1] |= {"coding": "effects"}
    study = make_study(attributes=attributes)
    width = coding_of(study, study.choice_exercise()).width
    logit = fit_mnl(study, simulate(study, np.linspace(0.5, -0.5, width)))
    names = [f.figure for f in tag_values(logit)]
    assert "share of the mean part-worths" in names
    assert not [name for name in names if name.endswith("half the tested prices")]


def test_zero_centred_differences(fitted):
    means, _ = fitted.hierarchy.individual()
    table = zero_centred(fitted.coding, fitted.hierarchy.respondents, means).set_index("respondent")
    assert list(table.columns) == [
        *("taste:plain", "taste:sweet", "taste:salty", "look:poor", "look:good"),
        *("price:p1", "price:p2", "price:p3", "price:p4", "none"),
    ]
    factor = 300 / 5.0  # three attributes, ranges 1 + 1 + 3
    first = table.iloc[0]
    assert first["taste:plain"] == pytest.approx(-0.6 * factor, rel=1e-5)
    assert first["price:p1"] == pytest.approx(0.75 * 2.0 * factor, rel=1e-5)
    assert first["none"] == pytest.approx(-0.8 * factor, rel=1e-5)
    for name in ("taste", "look", "price"):
        assert table.filter(like=f"{name}:").sum(axis=1).to_numpy() == pytest.approx(0, abs=1e-3)
    spans = [
        np.ptp(table.filter(like=f"{n}:").to_numpy(), axis=1) for n in ("taste", "look", "price")
    ]
    assert np.sum(spans, axis=0) == pytest.approx(300, rel=1e-5)
