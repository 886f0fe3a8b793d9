from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.buying import crowd, purchase_days
from analysis.purchases.score import score_customers

AS_OF = date(2026, 6, 30)


def bought(customers):
    """Purchase days now and before of customers who bought so many days ago."""
    rows = [
        (name, AS_OF - timedelta(days=int(n))) for name, days in customers.items() for n in days
    ]
    table = pd.DataFrame(rows, columns=["customer", "time"]).assign(amount=1000)
    table["time"] = pd.to_datetime(table["time"])
    scores = score_customers(table, as_of=AS_OF).set_index("customer")
    return purchase_days(scores, as_of=AS_OF)


def test_the_first_purchase_day_counts_neither_as_purchase_nor_as_time():
    days = bought({"old": [500, 200, 100, 5], "new": [200, 100, 5], "newer": [60, 5]})
    assert list(days.loc["old"]) == [1, 2, 273]
    assert list(days.loc["new"]) == [1, 1, 200 - 91]
    assert list(days.loc["newer"]) == [0, 0, 0]


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_change_that_everybody_shares_is_found_and_no_bursts(factor):
    rng = np.random.default_rng(12)
    rate = np.where(np.arange(364) < 91, 0.1 * factor, 0.1)
    world = {f"c{n}": [700, *np.flatnonzero(rng.random(364) < rate)] for n in range(500)}
    found = crowd(bought(world))
    assert found.change == pytest.approx(factor, rel=0.05)
    assert found.dispersion < 0.01
    assert found.n > 400


def test_bursts_are_found_and_a_few_customers_tell_nothing():
    rng = np.random.default_rng(13)
    world = {}
    for n in range(500):
        weekly = rng.gamma(0.5, 2, 52)
        world[f"c{n}"] = {700, *(7 * np.arange(52)[rng.random(52) < 1 - np.exp(-weekly)])}
        starts = rng.choice(350, 6, replace=False)
        world[f"c{n}"] |= {int(s) + k for s in starts for k in range(4)}
    assert crowd(bought(world)).dispersion > 0.01
    few = crowd(bought({name: world[name] for name in list(world)[:50]}))
    assert (few.change, few.dispersion, few.n) == (1, 0, 0)
