"""Shares of preference, first choices and randomised first choice against what is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from analysis.choices.simulator.outcomes import estimated, in_words, line, outcomes
from analysis.choices.simulator.products import Market, Product, row, settled, why_not_shown
from analysis.choices.simulator.randomised import Errors
from analysis.choices.simulator.shares import CannotSimulate, simulator_of
from analysis.choices.simulator.worths import (
    NoWorths,
    divided,
    from_classes,
    from_draws,
    from_logit,
    from_means,
    weighted,
)
from tests.analysis.choices.simulator.markets import (
    CODING,
    MARKET,
    OURS,
    RIVAL,
    THIRD,
    alike,
    changed,
    drawn,
    plain,
    worths,
)

FLAT = np.zeros(CODING.width)


def test_shares_are_those_of_a_plain_loop():
    market = replace(MARKET, products=(OURS, replace(RIVAL, factor=1.7), THIRD), scale=0.8)
    found = weighted(worths(), {f"r{n}": 0.5 + n % 3 for n in range(40)})
    member = (np.arange(40) < 15).astype(np.float32)
    simulated = simulator_of(divided(found, {"first": member})).simulate(market).drawn
    assert np.abs(simulated[:, 0] - plain(found, market)).max() < 1e-6
    assert np.abs(simulated[:, 1] - plain(found, market, member)).max() < 1e-6


def test_one_person_by_hand():
    beta = np.array([1.0, 0.0, 0.5, 1.0, 0.0, 0.3])
    # red 1, blue 0, gold -1; small .5, large -.5; price 1: 1, 2: 0, 4: -1; none .3
    utilities = np.array([1 + 0.5 + 0, 0 - 0.5 + 1, -1 + 0.5 - 0.5, 0.3])
    expected = np.exp(utilities) / np.exp(utilities).sum()
    found = simulator_of(alike(beta)).simulate(MARKET).drawn[:, 0]
    assert found.mean(0) == pytest.approx(expected, abs=1e-6)
    first = simulator_of(alike(beta), "first-choice").simulate(MARKET).drawn[:, 0]
    assert first.mean(0) == pytest.approx([1, 0, 0, 0])


def test_a_dual_response_none_is_the_same_market():
    """P(j) P(buy) of METHODS is the logit with none as one more alternative."""
    beta = np.array([1.0, 0.0, 0.5, 1.0, 0.0, 0.3])
    rows = np.array([row(CODING, p.levels) for p in MARKET.products])
    weight = np.exp(rows @ beta)
    buys = expit(np.log(weight.sum()) - beta @ row(CODING, None))
    found = simulator_of(alike(beta)).simulate(MARKET).drawn[0, 0]
    assert found[:3] == pytest.approx(weight / weight.sum() * buys, abs=1e-6)


def test_first_choices_split_ties_and_follow_each_person():
    twin = replace(OURS, name="Twin")
    found = simulator_of(worths(), "first-choice")
    one = found.simulate(Market((OURS, RIVAL))).drawn[:, 0]
    two = found.simulate(Market((OURS, RIVAL, twin))).drawn[:, 0]
    assert two[:, 0] == pytest.approx(one[:, 0] / 2, abs=1e-6)
    assert two[:, 1] == pytest.approx(one[:, 1], abs=1e-6)
    everybody = worths()
    best = [
        everybody.mass[d][(row(CODING, OURS.levels) - row(CODING, RIVAL.levels)) @ b.T > 0].sum()
        for d, b in enumerate(everybody.points)
    ]
    assert one[:, 0] == pytest.approx(np.array(best), abs=1e-5)


def test_a_single_set_of_part_worths_keeps_the_ratio_of_two_products():
    """Independence of irrelevant alternatives: within a draw of one person, not of a population."""
    own = simulator_of(alike(np.linspace(-1, 1, CODING.width)))
    mixed = simulator_of(worths(drawn(spread=2.0)))
    ratios = {}
    for name, simulator in (("one", own), ("many", mixed)):
        two = simulator.simulate(Market((OURS, RIVAL))).drawn.mean(0)[0]
        three = simulator.simulate(Market((OURS, RIVAL, THIRD))).drawn.mean(0)[0]
        ratios[name] = (two[0] / two[1], three[0] / three[1])
    assert ratios["one"][0] == pytest.approx(ratios["one"][1], rel=1e-5)
    assert abs(ratios["many"][0] / ratios["many"][1] - 1) > 0.05


def test_red_bus_and_blue_bus():
    """A twin: the logit gives it a third, errors that belong to levels only give it a quarter."""
    twin = replace(RIVAL, name="Twin")
    car = Product("Car", {"colour": "gold", "size": "small", "price": "4"})
    market = Market((car, RIVAL, twin))
    logit = simulator_of(alike(FLAT)).simulate(market).drawn.mean(0)[0]
    assert logit == pytest.approx([1 / 3] * 3, abs=1e-6)
    shares = {}
    for similarity in (0.0, 0.5, 1.0):
        errors = Errors(similarity, draws=2000)
        found = simulator_of(alike(FLAT), "rfc", errors).simulate(market).drawn
        shares[similarity] = float(found.mean(0)[0, 0])
    assert shares[0.0] == pytest.approx(1 / 3, abs=0.01)
    assert shares[1.0] == pytest.approx(1 / 2, abs=0.01)
    assert 0.34 < shares[0.5] < 0.49


def test_without_similarity_randomised_first_choice_is_the_share_of_preference_at_the_means():
    means = drawn().mean(0)
    errors = Errors(similarity=0.0, draws=3000)
    found = simulator_of(worths(), "rfc", errors).simulate(MARKET).drawn[:, 0].mean(0)
    rows = np.array([row(CODING, p.levels) for p in MARKET.products] + [row(CODING, None)])
    weight = np.exp(means @ rows.T)
    expected = (weight / weight.sum(1, keepdims=True)).mean(0)
    assert found == pytest.approx(expected, abs=0.012)


def test_availability_is_the_share_of_trips_on_which_a_product_is_there():
    sure = alike([8.0, 0.0, 4.0, 0.0, 0.0, -20.0], people=100)
    market = Market((replace(OURS, availability=0.6), RIVAL), none=True)
    found = simulator_of(sure).simulate(market).drawn.mean(0)[0]
    assert found == pytest.approx([0.6, 0.4, 0.0], abs=0.01)
    alone = Market((replace(OURS, availability=0.6), replace(RIVAL, availability=0.5)))
    assert simulator_of(sure).simulate(alone).drawn.sum(2).mean() == pytest.approx(0.8, abs=0.01)
    one = from_logit(CODING, np.array([8.0, 0, 4, 0, 0, -20]), np.eye(6) * 1e-6, n=50, seed=1)
    exact = simulator_of(one).simulate(market).drawn.mean(0)[0]
    assert exact == pytest.approx([0.6, 0.4, 0.0], abs=1e-3)


def test_intervals_cover_the_population_at_a_planted_truth():
    """People with known part-worths, drawn from a population: only who was drawn is uncertain."""
    rng = np.random.default_rng(5)
    market = Market((OURS, RIVAL))
    difference = row(CODING, OURS.levels) - row(CODING, RIVAL.levels)
    truth = expit(rng.normal(0, 1, (200_000, CODING.width)) @ difference).mean()
    inside = 0
    for study in range(300):
        beta = rng.normal(0, 1, (1, 60, CODING.width)).astype(np.float32)
        found = worths(np.repeat(beta, 200, axis=0), seed=study)
        simulator = simulator_of(found)
        share = estimated(simulator, simulator.simulate(market).drawn[:, 0, 0])
        inside += share.low <= truth <= share.high
    assert 0.90 <= inside / 300 <= 0.98


def test_money_is_price_times_units_less_costs():
    market = replace(MARKET, level_costs={"colour": {"red": 0.25}})
    simulator = simulator_of(alike(FLAT))
    found = simulator.simulate(market)
    ours, rival, *_ = outcomes(simulator, found)
    assert (ours.units.value, ours.revenue.value) == pytest.approx((250, 500))
    assert ours.profit.value == pytest.approx(250 * (2 - 0.75))
    assert "unit cost of 'Rival' is not given" in rival.profit.reason
    assert line(simulator, found).profit.value == pytest.approx(312.5)


def test_small_segments_are_suppressed_and_small_studies_refused():
    few = {"few": np.arange(40) < 9, "many": np.arange(40) >= 9}
    simulator = simulator_of(divided(worths(), few))
    found = simulator.simulate(MARKET)
    assert "fewer than 10" in outcomes(simulator, found, segment=1)[0].share.reason
    assert outcomes(simulator, found, segment=2)[0].share.n == 31
    with pytest.raises(NoWorths, match="9 respondents: a market needs 10"):
        worths(drawn(people=9))
    with pytest.raises(NoWorths, match="too few; save 200"):
        worths(drawn(draws=50))
    with pytest.raises(NoWorths, match="have no weight: r1, r2"):
        weighted(worths(), {"r0": 1.0})


def test_methods_that_do_not_suit_are_refused_in_words():
    logit = from_logit(CODING, FLAT, np.eye(6), n=50, seed=1)
    with pytest.raises(CannotSimulate, match="everybody would take the same"):
        simulator_of(logit, "first-choice")
    with pytest.raises(CannotSimulate, match="needs a point for every respondent"):
        simulator_of(logit, "rfc")
    means = from_means(CODING, [f"r{n}" for n in range(40)], drawn().mean(0), seed=1)
    with pytest.raises(CannotSimulate, match="save draws"):
        simulator_of(means, "share")
    assert "part-worths taken as known" in in_words(simulator_of(means, "rfc"))


def test_classes_are_mixed_by_the_chances_of_each_respondent():
    beta = np.array([[2.0, 0, 0, 0, 0, -9], [-2.0, 0, 0, 0, 0, -9]])
    chances = np.tile([0.3, 0.7], (20, 1))
    names = [f"r{n}" for n in range(20)]
    market = Market((OURS, replace(RIVAL, levels=changed(OURS, colour="blue").levels)))
    found = simulator_of(from_classes(CODING, names, beta, chances, seed=1)).simulate(market)
    expected = 0.3 * expit(2) + 0.7 * expit(-2)
    assert found.drawn[:, 0, 0] == pytest.approx(expected, abs=1e-5)


def test_prices_between_levels_are_interpolated_and_never_extrapolated():
    price = CODING.exercise.attribute("price")
    two, four = (row(CODING, {**OURS.levels, "price": p}) for p in ("2", "4"))
    assert row(CODING, {**OURS.levels, "price": 3.0}) == pytest.approx((two + four) / 2)
    assert settled(price, 2.0) == "2"
    for wrong in (0.99, 4.2, "five", float("nan")):
        with pytest.raises(ValueError, match=r"beyond the tested 1 to 4|is no level"):
            settled(price, wrong)


def test_what_was_never_shown_together_is_named():
    assert "was never shown together" in why_not_shown(CODING, changed(THIRD, size="large").levels)
    assert not why_not_shown(CODING, THIRD.levels)


def test_draws_stay_in_their_file(tmp_path):
    np.save(tmp_path / "d.npy", drawn())
    mapped = np.load(tmp_path / "d.npy", mmap_mode="r")
    found = from_draws(CODING, [f"r{n}" for n in range(40)], mapped.view(np.ndarray), seed=1)
    assert np.shares_memory(found.points, mapped)
    thin = found.thinned(10)
    assert len(thin.points) == 200
    assert np.shares_memory(thin.points, mapped)
