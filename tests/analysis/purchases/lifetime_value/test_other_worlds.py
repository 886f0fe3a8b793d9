from __future__ import annotations

import numpy as np
import pytest

from analysis.purchases.lifetime_value.gate import NotEnoughHistory
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.valuation import Plan, value_customers
from analysis.purchases.lifetime_value.year_ago import year_ago
from tests.analysis.purchases.lifetime_value import other_worlds as worlds
from tests.analysis.purchases.lifetime_value.other_worlds import AHEAD, company

PLAN = Plan(PARETO_NBD, Horizon(AHEAD, 0.1, 0.4))
SEEDS = range(6)
SETTINGS = {
    "Pareto/NBD, 53 weeks": ((), {"history": 53}),
    "Pareto/NBD, 66 weeks": ((), {"history": 66}),
    "Pareto/NBD, 104 weeks": ((), {}),
    "Pareto/NBD, 156 weeks": ((), {"history": 156}),
    "nobody leaves": ((worlds.nobody_leaves,), {}),
    "growing": ((worlds.growing,), {}),
    "80 % buy once": ((worlds.one_time_buyers,), {}),
    "rates drift": ((worlds.drifting,), {}),
    "mixture": ((worlds.mixture,), {}),
    "every 7 or 14 days": ((worlds.weekly_or_fortnightly,), {}),
    "very bursty": ((worlds.very_bursty,), {}),
    "newcomers fade": ((worlds.fading_newcomers,), {}),
    "newcomers ever worse": ((worlds.worse_newcomers,), {}),
    "shut for 3 weeks lately": ((worlds.outage,), {}),
    "price rise lately, 30 % less": ((worlds.price_rise,), {}),
    **{
        f"seasonal, begins in week {week}": (
            (worlds.seasonal,),
            {"history": 130, "begins": week},
        )
        for week in (0, 13, 26, 39)
    },
    **{
        f"strong season, begins in week {week}": (
            (worlds.strong_season,),
            {"history": 130, "begins": week},
        )
        for week in (0, 13, 26, 39)
    },
}


def checked(warnings):
    """Warnings that the forecast, or P(alive), does not hold."""
    words = ("off by more than chance", "the same forecast a year ago", "P(alive) is wrong")
    return [told for told in warnings if any(part in told for part in words)]


@pytest.mark.deep
@pytest.mark.parametrize("name", SETTINGS)
def test_deep_a_forecast_that_is_off_is_told(name):
    parts, options = SETTINGS[name]
    rows = []
    for seed in SEEDS:
        own = company(*parts, n=1_500, seed=seed, **options)
        found = value_customers(own.purchases, as_of=own.as_of, plan=PLAN)
        value, low, high = found.totals["expected_purchases"]
        each, alive = found.customers, found.customers["p_alive"]
        lost = alive < 0.5
        rows.append(
            (
                own.later.sum() / value,
                low <= own.later.sum() <= high,
                (
                    (own.later >= each["purchases_low"]) & (own.later <= each["purchases_high"])
                ).mean(),
                bool(checked(found.warnings)),
                alive[lost].sum(),
                own.alive[lost.to_numpy()].sum(),
                lost.sum(),
            )
        )
    ratio, held, customers, told, stated, true, lost = np.array(rows, dtype=float).T
    alive = f"{stated.sum() / lost.sum():.2f}, {true.sum() / lost.sum():.2f}" if lost.any() else "-"
    print(
        f"| {name} | {ratio.mean():.2f} ({ratio.min():.2f} to {ratio.max():.2f}) | "
        f"{held.sum():.0f} of {len(held)} | {customers.mean():.1%} | "
        f"{alive} | {told.sum():.0f} |"
    )
    far = (held == 0) & (np.abs(ratio - 1) > 0.15)
    assert told[far].mean() >= 0.8 if far.any() else True
    if parts in {(), (worlds.nobody_leaves,), (worlds.growing,)}:
        assert held.mean() > 0.6
        assert told.mean() < 0.5


def test_a_forecast_after_a_quiet_season_is_off_and_told():
    own = company(worlds.strong_season, n=1_200, seed=11, history=130, begins=13)
    found = value_customers(own.purchases, as_of=own.as_of, plan=PLAN)
    assert own.later.sum() > found.totals["expected_purchases"][2]
    assert found.year_ago.ratio > 1.2
    told = [words for words in found.warnings if "the same forecast a year ago" in words]
    assert f"{found.year_ago.actual:,} came" in told[0]


def test_who_buys_like_clockwork_shows_that_p_alive_is_wrong():
    own = company(worlds.weekly_or_fortnightly, n=1_500, seed=11)
    found = value_customers(own.purchases, as_of=own.as_of, plan=PLAN)
    told = [words for words in found.warnings if "P(alive) is wrong here" in words]
    assert "bought 0.00 times each" in told[0]
    between = found.customers["p_alive"].between(0.2, 0.8).to_numpy()
    assert own.alive[between].mean() < 0.2


def test_a_company_that_buys_as_the_model_says_is_not_warned_of():
    own = company(n=1_200, seed=1, history=130)
    found = value_customers(own.purchases, as_of=own.as_of, plan=PLAN)
    assert not checked(found.warnings)
    classes = found.calibration.by_alive
    assert classes["n"].sum() == found.calibration.n
    assert (classes["n"] * classes["predicted"]).sum() == pytest.approx(found.calibration.predicted)
    assert (classes["n"] * classes["actual"]).sum() == pytest.approx(found.calibration.actual)
    assert classes["apart"].abs().max() < 3


def test_a_year_ago_counts_what_those_known_then_bought_since():
    own = company(n=1_500, seed=2, history=110)
    found = year_ago(PARETO_NBD, own.purchases, as_of=own.as_of, seed=1)
    days = own.purchases.drop_duplicates()
    then = days["time"].dt.date <= found.fitted_until
    known = set(days.loc[then, "customer"])
    assert found.n == len(known)
    assert found.actual == (days["customer"].isin(known) & ~then).sum()
    with pytest.raises(NotEnoughHistory, match="180 are needed"):
        year_ago(PARETO_NBD, own.purchases, as_of=worlds.FIRST_DAY.replace(year=2025), seed=1)


def test_a_history_too_short_for_a_year_ago_says_what_it_cannot_tell():
    own = company(n=1_500, seed=2, history=66)
    found = value_customers(own.purchases, as_of=own.as_of, plan=PLAN)
    assert "too short" in found.year_ago
    assert any("if purchases follow a season" in words for words in found.warnings)
