from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lists import best_customers, declining_customers
from analysis.purchases.score import score_customers
from analysis.purchases.winback.alarms import frozen_alarms

AS_OF = date(2026, 6, 30)
WEEKS = 100


def purchases(customers, sale=()):
    """Customers with purchases of 10.00 so many days ago."""
    rows = [
        (name, AS_OF - timedelta(days=int(n))) for name, days in customers.items() for n in days
    ]
    return pd.DataFrame(
        {
            "customer": [name for name, _ in rows],
            "time": pd.to_datetime([day for _, day in rows]),
            "amount": 1000,
            "on_sale": [name in sale for name, _ in rows],
        }
    )


@pytest.fixture(scope="module")
def crowd():
    """400 customers who go on as before, of whom a third buy rarely."""
    rng = np.random.default_rng(11)
    rate = np.where(np.arange(400) % 3, 0.12, 0.004)
    return {
        f"c{n:03}": [7 * WEEKS, *np.flatnonzero(rng.random(7 * WEEKS) < rate[n])]
        for n in range(400)
    }


def found(customers, sale=()):
    table = purchases(customers, sale)
    alarms, _ = frozen_alarms(table, as_of=AS_OF)
    return declining_customers(score_customers(table, as_of=AS_OF), alarms, as_of=AS_OF)


STOPPED = range(92, 7 * WEEKS, 5)


def test_best_customers_have_most_points():
    table = purchases({"a": [1], "b": [1, 2], "c": [500]})
    best = best_customers(score_customers(table, as_of=AS_OF))
    assert [(c.customer, c.rank, c.points) for c in best] == [("b", 1, 40), ("a", 2, 20)]
    assert best[0].reason == "most points"
    assert best[0].group is None


def test_who_stopped_is_listed_and_who_buys_rarely_cannot_be_told(crowd):
    lists = found(crowd | {f"s{n}": STOPPED for n in range(20)})
    listed = {c.customer: c for c in lists.customers}
    assert set(listed) >= {f"s{n}" for n in range(20)}
    assert len(listed) <= 20 + 0.06 * 400
    assert listed["s0"].reason.startswith("0 purchase days in 13 weeks, ")
    assert 90 < lists.too_few <= 134  # the others of the rare ones did not buy in the year at all
    assert lists.by_chance < 0.06 * 400
    assert lists.true_alarms.low > 0.3
    assert lists.spend_at_risk == pytest.approx(sum(c.spend_at_risk for c in lists.customers))


def test_half_of_the_list_is_left_alone_by_lot_and_stays_so(crowd):
    lists = found(crowd | {f"s{n}": STOPPED for n in range(60)})
    groups = {c.customer: c.group for c in lists.customers}
    assert set(groups.values()) == {"contact", "control"}
    assert 15 <= list(groups.values()).count("control") <= 0.75 * len(groups)
    assert list(lists.campaign["group"]) == [c.group for c in lists.customers]
    again = found(crowd | {f"s{n}": STOPPED for n in range(30)})
    for customer in again.customers:
        assert customer.group == groups.get(customer.customer, customer.group)


def test_sale_only_shoppers_are_told_apart(crowd):
    lists = found(crowd | {"stopped": STOPPED, "bargain": STOPPED}, sale={"bargain"})
    assert "stopped" in [c.customer for c in lists.customers]
    assert [c.customer for c in lists.sale_only] == ["bargain"]
    assert lists.sale_only[0].group is None
    assert lists.sale_only[0].reason.startswith("buys on sale only; 0 purchase days")
    assert "bargain" not in set(lists.campaign["customer"])
