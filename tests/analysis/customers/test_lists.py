from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.customers.lists import best_customers, declining_customers
from analysis.purchases.score import score_customers

AS_OF = date(2026, 6, 30)


def scores(customers, sale=()):
    """Customers with purchases of 10.00 so many days ago."""
    rows = [(name, AS_OF - timedelta(days=n)) for name, days in customers.items() for n in days]
    table = pd.DataFrame(
        {
            "customer": [name for name, _ in rows],
            "time": pd.to_datetime([day for _, day in rows]),
            "amount": 1000,
            "on_sale": [name in sale for name, _ in rows],
        }
    )
    return score_customers(table, as_of=AS_OF)


OLD = [500]
STEADY = [*OLD, *range(0, 364, 14)]
STOPPED = [*OLD, *range(98, 364, 14)]
RARE = [*OLD, 100, 200]


def test_best_customers_have_most_points():
    found = best_customers(scores({"a": [1], "b": [1, 2], "c": [500]}))
    assert [(c.customer, c.rank, c.points) for c in found] == [("b", 1, 40), ("a", 2, 20)]
    assert found[0].reason == "most points"


def test_who_stopped_is_listed_and_who_buys_rarely_cannot_be_told():
    found = declining_customers(
        scores({"steady": STEADY, "stopped": STOPPED, "rare": RARE}), as_of=AS_OF
    )
    assert [c.customer for c in found.customers] == ["stopped"]
    assert found.customers[0].reason.startswith("below own average: 0 purchase days in 13 weeks")
    assert found.customers[0].p_value == pytest.approx(0.75 ** len(STOPPED[1:]))
    assert (found.tested, found.too_few) == (2, 1)
    # Whole days: 5 or fewer of 26, none of 19 or 20, are the most that stay under 5 %.
    assert 0 < found.expected_by_chance < 0.1


def test_sale_only_shoppers_are_told_apart():
    table = scores({"stopped": STOPPED, "bargain": STOPPED}, sale={"bargain"})
    found = declining_customers(table, as_of=AS_OF)
    assert [c.customer for c in found.customers] == ["stopped"]
    assert [c.customer for c in found.sale_only] == ["bargain"]
    assert found.sale_only[0].sale_only


def test_a_new_customer_has_less_time_before():
    days = list(range(0, 150, 10))
    found = declining_customers(scores({"new": days}), as_of=AS_OF)
    assert not found.customers
    younger = declining_customers(scores({"new": list(range(0, 60, 3))}), as_of=AS_OF)
    assert younger.too_few == 1


def test_unchanged_customers_are_listed_no_more_often_than_the_level():
    rng = np.random.default_rng(11)
    world = {f"c{n}": [700, *np.flatnonzero(rng.random(364) < 0.08).tolist()] for n in range(1500)}
    found = declining_customers(scores(world), as_of=AS_OF, longest=1500)
    assert found.tested > 1400
    assert 0 < len(found.customers) <= stats.binom.ppf(0.999, found.tested, 0.05)


def test_the_first_purchase_day_counts_neither_as_purchase_nor_as_time():
    found = declining_customers(scores({"stopped": range(95, 301, 5)}), as_of=AS_OF)
    before = 300 - 91
    assert found.customers[0].p_value == pytest.approx((before / (before + 91)) ** 41)


def bursty_world(rng, customers):
    """Weekly rates vary wildly: gamma of shape .5, new every week."""
    world = {}
    for n in range(customers):
        weekly = rng.gamma(0.5, 1 / 0.5, 52) * rng.uniform(0.5, 1.5)
        days = [
            7 * week + int(d)
            for week in range(52)
            for d in rng.integers(0, 7, rng.poisson(weekly[week]))
        ]
        world[f"c{n}"] = [700, *sorted(set(days))]
    return world


def seasonal_world(rng, customers, factor):
    """Everybody buys ``factor`` times as often in the last 13 weeks."""
    rate = np.where(np.arange(364) < 91, 0.1 * factor, 0.1)
    return {
        f"c{n}": [700, *np.flatnonzero(rng.random(364) < rate).tolist()] for n in range(customers)
    }


@pytest.mark.parametrize("world", ["bursty", "low season", "high season"])
def test_bursts_and_season_are_allowed_for(world):
    rng = np.random.default_rng(12)
    if world == "bursty":
        customers = bursty_world(rng, 600)
    else:
        customers = seasonal_world(rng, 600, 0.5 if world == "low season" else 2)
    found = declining_customers(scores(customers), as_of=AS_OF, longest=600)
    assert found.tested > 400
    assert len(found.customers) <= stats.binom.ppf(0.999, found.tested, 0.05)
    assert found.common.n > 400
    assert ("-5" in found.method) == (world == "low season")


def test_who_stopped_is_found_in_a_low_season_and_among_bursts():
    rng = np.random.default_rng(13)
    for steady in (seasonal_world(rng, 300, 0.6), bursty_world(rng, 300)):
        stopped = {f"s{n}": [700, *range(95, 364, 5)] for n in range(15)}
        found = declining_customers(scores(steady | stopped), as_of=AS_OF, longest=400)
        assert {c.customer for c in found.customers} >= set(stopped)


def test_without_a_crowd_the_method_says_what_is_not_allowed_for():
    found = declining_customers(scores({"stopped": STOPPED}), as_of=AS_OF)
    assert found.common.n == 0
    assert "not allowed for" in found.method
