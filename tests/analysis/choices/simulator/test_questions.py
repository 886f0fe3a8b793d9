"""Source of volume, sensitivity, prices and the best product."""

from dataclasses import replace
from itertools import product as every

import numpy as np
import pytest

from analysis.choices.simulator.candidates import of_candidates
from analysis.choices.simulator.outcomes import line_draws
from analysis.choices.simulator.prices import elasticities, price_curve
from analysis.choices.simulator.products import Market
from analysis.choices.simulator.search import NoGoal, TooLarge, rank, search
from analysis.choices.simulator.sensitivity import sensitivity
from analysis.choices.simulator.shares import simulator_of
from analysis.choices.simulator.volume import source_of_volume
from tests.analysis.choices.simulator.markets import (
    MARKET,
    OURS,
    RIVAL,
    THIRD,
    alike,
    changed,
    drawn,
    worths,
)

SECOND = replace(THIRD, own=True, unit_cost=1.0)


@pytest.mark.parametrize("method", ["share", "first-choice"])
@pytest.mark.parametrize("had", [1.0, 0.7])
def test_versions_in_one_go_are_those_simulated_one_by_one(method, had):
    rivals = (OURS, replace(RIVAL, availability=had, factor=1.4), SECOND)
    market = replace(MARKET, products=rivals, scale=1.3)
    versions = [
        replace(changed(OURS, colour=c, price=p), availability=a)
        for c, p, a in (("red", "2", 1.0), ("blue", 1.5, 1.0), ("gold", "1", had), ("red", 3.3, 1))
    ]
    simulator = simulator_of(worths(), method)
    found = of_candidates(simulator, market, 0, versions)
    for n, version in enumerate(versions):
        simulated = simulator.simulate(market.with_product(0, version))
        assert found.share[:, n] == pytest.approx(simulated.drawn[:, 0, 0], abs=2e-6)
        profit = line_draws(simulator, simulated, "profit")
        assert found.profit[:, n] == pytest.approx(profit, abs=1e-2)


def test_a_new_product_takes_what_the_others_lose():
    simulator = simulator_of(worths(drawn(spread=2.0)))
    base = simulator.simulate(Market((OURS, RIVAL), none=True))
    found = source_of_volume(simulator, base, simulator.simulate(MARKET))
    assert found.gained_by == ("Third",)
    assert sum(loss.points.value for loss in found.losses) == pytest.approx(found.gained.value)
    assert sum(loss.part.value for loss in found.losses) == pytest.approx(1)
    assert sum(loss.fair for loss in found.losses) == pytest.approx(1)


def test_where_everybody_is_alike_all_lose_in_proportion():
    simulator = simulator_of(alike(np.linspace(-0.5, 0.5, 6)))
    base = simulator.simulate(Market((OURS, RIVAL), none=True))
    found = source_of_volume(simulator, base, simulator.simulate(MARKET))
    for loss in found.losses:
        assert loss.part.value == pytest.approx(loss.fair, abs=1e-4)


def test_a_change_of_cost_alone_moves_nothing():
    simulator = simulator_of(worths())
    base = simulator.simulate(MARKET)
    dearer = MARKET.with_product(0, replace(OURS, unit_cost=0.9))
    assert source_of_volume(simulator, base, simulator.simulate(dearer)) is None


def test_sensitivity_has_every_level_and_names_what_was_prohibited():
    market = MARKET.with_product(0, changed(OURS, size="large"))
    rows = sensitivity(simulator_of(worths()), market, 0)
    assert [(r.attribute, r.level) for r in rows] == [
        *(("colour", c) for c in ("red", "blue", "gold")),
        *(("size", s) for s in ("small", "large")),
        *(("price", p) for p in ("1", "2", "4")),
    ]
    by = {(r.attribute, r.level): r for r in rows}
    assert "never shown together" in by["colour", "gold"].share.reason
    assert by["size", "large"].present
    assert by["size", "large"].change.value == 0
    direct = simulator_of(worths()).simulate(MARKET).drawn[:, 0, 0].mean()
    assert by["size", "small"].share.value == pytest.approx(direct, abs=1e-6)


def test_an_elasticity_of_people_alike_is_the_one_of_the_logit():
    """Own: slope x price x (1 - share); cross: -slope x price x share, the same for all."""
    beta = [0.2, 0.1, 0.3, 0.6, 0.2, 0.4]  # from price 2 to 4 utility falls from .2 to -.8
    market = MARKET.with_product(0, changed(OURS, price=3.0))
    simulator = simulator_of(alike(beta))
    share = simulator.simulate(market).drawn.mean(0)[0, 0]
    found = {(e.price_of, e.of): e.estimate for e in elasticities(simulator, market)}
    slope = (-0.8 - 0.2) / 2
    assert found["Ours", "Ours"].value == pytest.approx(slope * 3 * (1 - share), rel=0.01)
    for name in ("Rival", "Third", "none"):
        assert found["Ours", name].value == pytest.approx(-slope * 3 * share, rel=0.01)


def test_at_the_end_of_the_tested_prices_an_elasticity_looks_one_way():
    found = elasticities(simulator_of(worths()), MARKET)
    own = next(e for e in found if e.price_of == e.of == "Rival")
    assert (own.low, own.high) == pytest.approx((1.0, 1.05))


def test_the_price_curve_stays_within_the_tested_prices_and_finds_the_best():
    market = Market((OURS, RIVAL), none=True, size=1000.0)
    simulator = simulator_of(alike([0.0, 0, 0, 1.0, 0.5, 0]))
    curve = price_curve(simulator, market, 0)
    prices = [point.price for point in curve.points]
    assert (min(prices), max(prices)) == (1.0, 4.0)
    assert {p.price for p in curve.points if p.tested} == {1.0, 2.0, 4.0}
    profits = [point.profit.value for point in curve.points]
    assert curve.best_profit.best.place == int(np.argmax(profits))
    assert curve.best_profit.best.chance == 1.0
    assert curve.best_profit.best.regret == pytest.approx(0, abs=1e-9)


def test_the_best_product_is_that_of_trying_all_and_carries_its_regret():
    simulator = simulator_of(worths())
    vary = {"colour": ("red", "blue", "gold"), "size": ("small", "large"), "price": ("1", 1.5, "2")}
    found = search(simulator, MARKET, 0, vary, goal="profit")
    values = {}
    for colour, size, price in every(*vary.values()):
        if (colour, size) == ("gold", "large"):
            continue
        version = changed(OURS, colour=colour, size=size, price=price)
        simulated = simulator.simulate(MARKET.with_product(0, version))
        values[colour, size, price] = line_draws(simulator, simulated, "profit")
    assert (len(found.candidates), found.left_out) == (15, 3)
    drawn_profits = np.array(list(values.values())).T
    means = drawn_profits.mean(0)
    best = found.ranking.best
    assert tuple(found.candidates[best.place].levels.values()) == list(values)[int(means.argmax())]
    regret = drawn_profits.max(1).mean() - means.max()
    assert best.regret == pytest.approx(regret, abs=1e-2)
    chance = (drawn_profits.argmax(1) == means.argmax()).mean()
    assert best.chance == pytest.approx(chance, abs=0.011)
    assert found.ranking.present.regret > best.regret
    assert sum(r.chance for r in found.ranking.ranks) == pytest.approx(1)


def test_candidates_that_the_draws_cannot_tell_apart_are_named():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, (1000, 3))
    ranking = rank(simulator_of(worths()), noise + np.array([5.0, 4.9, 0.0]), unit="points")
    assert [(r.place, r.tied) for r in ranking.ranks] == [(0, True), (1, True), (2, False)]
    assert ranking.tied == 2


def test_a_space_that_is_too_large_says_how_to_cut_it():
    prices = tuple(1 + n / 10_000 for n in range(20_001))
    with pytest.raises(TooLarge, match=r"20,001 combinations .* first of 'price'"):
        search(simulator_of(worths()), MARKET, 0, {"price": prices}, goal="profit")
    with pytest.raises(NoGoal, match="unit_cost"):
        unknown = MARKET.with_product(0, replace(OURS, unit_cost=None))
        search(simulator_of(worths()), unknown, 0, {"price": ("1", "2")}, goal="profit")
    with pytest.raises(NoGoal, match="prohibited"):
        only = {"colour": ("gold",), "size": ("large",)}
        search(simulator_of(worths()), MARKET, 0, only, goal="share")
