"""Market willingness to pay: the price change that brings a share back."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.choices.hb import Settings, fit_hb
from analysis.choices.market_wtp import market_willingness_to_pay
from analysis.choices.mnl import fit_mnl
from analysis.choices.willingness_to_pay import willingness_to_pay
from analysis.tables import check_choices

PRODUCT = {"taste": "plain", "look": "poor", "price": 1.0}
RIVAL = {"taste": "sweet", "look": "good", "price": "p3"}
BETTER = {"look": "good"}


def planted(fitted, beta):
    """The fit with everybody's draws replaced: beta (respondents, K) in each of 40 draws."""
    hierarchy = fitted.hierarchy
    draws = np.broadcast_to(beta.astype(np.float32), (2, 20, *beta.shape))
    posterior = replace(hierarchy.posterior, beta=draws)
    return replace(fitted, hierarchy=replace(hierarchy, posterior=posterior))


@pytest.fixture(scope="module")
def short(study, choices):
    return fit_hb(study, choices, seed=1, settings=Settings(burn_in=100, draws=40, kept=40))


def test_people_who_agree_pay_what_the_ratio_says(short):
    beta = np.tile([-0.6, 0.4, -0.5, -2.0, -0.8], (300, 1))
    found = market_willingness_to_pay(planted(short, beta), PRODUCT, BETTER, [RIVAL], seed=1)
    assert found.price_change.value == pytest.approx(0.5)  # 2 * 0.5 / 2
    assert found.price_change.low == pytest.approx(0.5)
    utility = np.array([-0.6 - 0.5 + 0.5, 0.4 + 0.5 - 0.5, -0.8])
    chance = np.exp(utility)[0] / np.exp(utility).sum()
    assert found.share_before.value == pytest.approx(chance, rel=1e-5)
    assert found.share_after.value > chance
    assert (found.price_change.n, found.price_change.unit) == (300, "EUR")


def test_the_share_is_back_at_the_new_price(short):
    """Two kinds of people: no ratio gives the answer, but putting it in must restore the share."""
    beta = np.tile([-0.6, 0.4, -0.2, -3.0, -0.8], (300, 1))
    beta[:120] = [0.9, 0.1, -1.2, -0.7, -0.3]
    fitted = planted(short, beta)
    weights = dict.fromkeys(fitted.hierarchy.respondents, 1.0)
    found = market_willingness_to_pay(
        fitted, PRODUCT, BETTER, [RIVAL], seed=1, weights=weights, none=False
    )
    change = found.price_change.value
    after = market_willingness_to_pay(
        fitted, {**PRODUCT, **BETTER, "price": 1.0 + change}, {"taste": "salty"}, [RIVAL],
        seed=1, none=False,
    )  # fmt: skip
    assert after.share_before.value == pytest.approx(found.share_before.value, abs=0.002)
    ratios = 2 * np.array([0.2 / 3.0, 1.2 / 0.7])
    assert ratios[0] < change < ratios[1]


def test_a_change_for_the_worse_has_a_negative_price(short):
    beta = np.tile([-0.6, 0.4, -0.5, -2.0, -0.8], (300, 1))
    good = {**PRODUCT, "look": "good"}
    found = market_willingness_to_pay(planted(short, beta), good, {"look": "poor"}, [], seed=1)
    assert found.price_change.value == pytest.approx(-0.5)


def test_weights_move_the_market(short):
    beta = np.tile([-0.6, 0.4, -0.2, -3.0, -0.8], (300, 1))
    beta[:120] = [-0.6, 0.4, -1.2, -1.0, -0.8]
    fitted = planted(short, beta)
    names = fitted.hierarchy.respondents
    only = {name: float(n < 120) for n, name in enumerate(names)}
    found = market_willingness_to_pay(fitted, PRODUCT, BETTER, [RIVAL], seed=1, weights=only)
    assert found.price_change.value == pytest.approx(2.4)
    assert found.price_change.n == 120
    assert "beyond the tested prices (0.5 to 2)" in found.price_change.method


def test_unbounded_and_beyond_the_tested_prices_are_said(short, make):
    beta = np.tile([-0.6, 0.4, -0.5, 0.2, -0.8], (300, 1))
    found = market_willingness_to_pay(planted(short, beta), PRODUCT, BETTER, [RIVAL], seed=1)
    assert found.price_change.reason == "unbounded: no price brings the share back"
    make_study, simulate = make
    attributes = make_study().choice_exercise().model_dump(mode="json")["attributes"]
    attributes[2]["coding"] = "effects"
    study = make_study(attributes=attributes)
    truth = np.array([-0.6, 0.4, -0.5, 0.9, 0.3, -0.3, -0.8])
    choices = simulate(study, truth, respondents=100)
    fitted = fit_hb(study, choices, seed=1, settings=Settings(burn_in=100, draws=40, kept=40))
    priced = {**PRODUCT, "price": "p2"}
    rival = {**RIVAL, "price": "p3"}
    everybody = planted(fitted, np.tile(truth, (100, 1)))
    found = market_willingness_to_pay(everybody, priced, BETTER, [rival], seed=1)
    # p2 to p3 costs 0.6, p3 to p4 another 0.6, of the 1.0 gained; a step is 0.5
    assert found.price_change.value == pytest.approx(0.5 + 0.5 * 0.4 / 0.6, abs=1e-5)
    big = np.array([-0.6, 0.4, -2.0, 0.9, 0.3, -0.3, -0.8])
    found = market_willingness_to_pay(
        planted(fitted, np.tile(big, (100, 1))), priced, BETTER, [rival], seed=1
    )
    assert found.price_change.reason == "beyond the tested prices (0.5 to 2)"


def test_the_aggregate_logit_gives_its_ratio(study, choices):
    logit = fit_mnl(study, choices)
    found = market_willingness_to_pay(logit, PRODUCT, BETTER, [RIVAL], seed=1).price_change
    ratio = willingness_to_pay(logit, "look", "poor", "good", method="krinsky_robb")
    assert found.value == pytest.approx(ratio.value, rel=0.01)
    assert (found.low, found.high) == pytest.approx((ratio.low, ratio.high), rel=0.03)


def test_a_handful_of_respondents_is_no_market(study, choices, short):
    only = {name: float(n < 4) for n, name in enumerate(short.hierarchy.respondents)}
    found = market_willingness_to_pay(short, PRODUCT, BETTER, [RIVAL], seed=1, weights=only)
    assert found.price_change.reason == "4 respondents: a market needs 10 or more"
    few = choices.frame[choices.frame["respondent"].isin(["1", "2"])].reset_index(drop=True)
    logit = fit_mnl(study, check_choices(few, choices.exercise))
    found = market_willingness_to_pay(logit, PRODUCT, BETTER, [RIVAL], seed=1)
    assert "more respondents (2) than part-worths (5)" in found.share_after.reason


def test_all_faults_of_a_market_are_listed(study, choices):
    logit = fit_mnl(study, choices)
    with pytest.raises(ValueError) as error:
        market_willingness_to_pay(
            logit, {"taste": "plain", "look": "shiny"}, {"price": 2.0, "smell": "x"}, [{}], seed=1
        )
    said = str(error.value)
    for words in (
        "product: 'price' has no level",
        "no level 'shiny'",
        "change: there is no attribute 'smell'",
        "'price' is the price",
        "competitor 1: 'taste' has no level",
    ):
        assert words in said
    with pytest.raises(ValueError, match="nothing differs"):
        market_willingness_to_pay(logit, PRODUCT, {"look": "poor"}, [RIVAL], seed=1)
    with pytest.raises(ValueError, match="at least one competitor"):
        market_willingness_to_pay(logit, PRODUCT, BETTER, [], seed=1, none=False)
    with pytest.raises(ValueError, match="belong to its fit"):
        market_willingness_to_pay(logit, PRODUCT, BETTER, [RIVAL], seed=1, weights={"1": 1.0})
