from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.purchases.score import ScoreRule, score_customers
from analysis.tables import CUSTOMER_COLUMNS

AS_OF = date(2026, 6, 30)


def purchases(rows, **extra):
    """Rows of (customer, days before the as-of day, cents)."""
    days = [pd.Timestamp(AS_OF - timedelta(days=ago)) for _, ago, _ in rows]
    return pd.DataFrame(
        {
            "customer": [row[0] for row in rows],
            "time": pd.to_datetime(days) + pd.Timedelta(hours=12),
            "amount": np.array([row[2] for row in rows], dtype="int64"),
            **extra,
        }
    )


def one(rows, **extra):
    scores = score_customers(purchases(rows, **extra), as_of=AS_OF)
    assert len(scores) == 1
    return scores.iloc[0]


def test_a_customer_computed_by_hand():
    # 30.00 two years ago; in the window 10.00 (day 363), 20.00 (day 91), 5.00 twice (days 90, 0)
    found = one(
        [("a", n, c) for n, c in [(728, 3000), (363, 1000), (91, 2000), (90, 500), (0, 500)]]
    )
    assert found["first_purchase"] == "2024-07-02"
    assert (found["recency_days"], found["frequency"], found["monetary"]) == (0, 5, 70.0)
    assert found["points"] == 10 + 20 + 2 * (5 + 5)
    assert found["weekly_mean"] == pytest.approx(40 / 52)
    sd = np.sqrt((100 + 400 + 25 + 25) / 52 - (40 / 52) ** 2)
    assert found["upper_limit"] == pytest.approx(40 / 52 + 2 * sd)
    assert found["lower_limit"] == 0
    assert (found["last_13_weeks"], found["spend_52_weeks"]) == (10, 40)
    assert found["before_13_weeks"] == pytest.approx(30 / 3)
    assert (found["days_52_weeks"], found["days_last_13_weeks"]) == (4, 2)
    assert found["state"] == "within"


def test_the_window_ends_where_it_should():
    assert one([("a", 364, 1000)])["points"] == 0
    assert one([("a", 363, 1000)])["points"] == 10
    assert one([("a", 91, 1000)])["points"] == 10
    assert one([("a", 90, 1000)])["points"] == 20


def test_purchases_after_the_day_are_ignored():
    assert len(score_customers(purchases([("a", -1, 100)]), as_of=AS_OF)) == 0
    assert one([("a", 0, 100), ("a", -1, 900)])["monetary"] == 1


def test_refunds_count_net_and_the_score_stays_above_zero():
    found = one([("a", 100, 1000), ("a", 10, -1500)])
    assert found["monetary"] == -5
    assert found["points"] == 0
    assert found["signed_points"] == 10 - 30
    assert found["frequency"] == 1
    assert found["recency_days"] == 100


def test_a_gift_of_zero_is_a_purchase_day():
    assert one([("a", 3, 0)])["frequency"] == 1


def weekly_customer(last_weeks, usual=1000):
    amounts = [*last_weeks, *[usual] * (52 - len(last_weeks))]
    return one([("a", 7 * week, cents) for week, cents in enumerate(amounts) if cents])


def test_states():
    assert weekly_customer([0])["state"] == "below"
    assert weekly_customer([1100, 1100, 1100])["state"] == "above_3_weeks"
    assert weekly_customer([], usual=17)["state"] == "within"  # 52 x 0.17 / 52 is below 0.17
    assert weekly_customer([1100, 1100, 900])["state"] == "within"
    assert weekly_customer([])["state"] == "within"
    assert one([("a", n, 1000) for n in (0, 7, 14)])["state"] == "too_few"


def test_near_the_lower_limit():
    # alternating 10.00 and 20.00: mean near 15, SD near 5, lower limit near 5
    usual = [2000 if week % 2 else 1000 for week in range(52)]
    near = weekly_customer([650, *usual[1:]])
    assert near["lower_limit"] < 6.5 < near["lower_limit"] + 2.6
    assert near["state"] == "near_lower"
    assert weekly_customer([1000, *usual[1:]])["state"] == "within"


def test_a_lower_limit_of_zero_is_never_near_or_crossed():
    found = one([("a", 21 * n + 20, 1000) for n in range(10)])
    assert (found["lower_limit"], found["state"]) == (0, "within")


def test_sale_share_counts_what_is_known():
    rows = [("a", 1, 3000), ("a", 2, 1000), ("a", 3, 5000)]
    assert one(rows, on_sale=[True, False, None])["sale_share"] == pytest.approx(0.75)
    assert np.isnan(one(rows)["sale_share"])


def test_currencies_are_not_added():
    with pytest.raises(ValueError, match="EUR, USD"):
        score_customers(
            purchases([("a", 1, 100), ("a", 2, 100)], currency=["USD", "EUR"]), as_of=AS_OF
        )


def test_amounts_must_be_whole_cents():
    table = purchases([("a", 1, 100)]).assign(amount=[1.5])
    with pytest.raises(ValueError, match="whole cents"):
        score_customers(table, as_of=AS_OF)


def test_a_rule_changes_the_weights():
    rule = ScoreRule(points_per_unit=2, latest_weight=1)
    found = score_customers(purchases([("a", 1, 1000)]), as_of=AS_OF, rule=rule).iloc[0]
    assert found["points"] == 20


def brute_force(table, as_of):
    """Every customer by a full customer x week grid."""
    rows = []
    for customer, mine in table.groupby("customer"):
        ago = (pd.Timestamp(as_of) - mine["time"].dt.normalize()).dt.days
        mine, ago = mine[ago >= 0], ago[ago >= 0]
        if mine.empty:
            continue
        grid = np.array([mine["amount"][ago // 7 == week].sum() for week in range(52)]) / 100
        mean, sd = grid.mean(), grid.std()
        bought = ago[mine["amount"] >= 0]
        lower = max(mean - 2 * sd, 0)
        rows.append(
            {
                "customer": customer,
                "frequency": bought.nunique(),
                "monetary": mine["amount"].sum() / 100,
                "signed_points": grid.sum() + grid[:13].sum(),
                "weekly_mean": mean,
                "lower_limit": lower,
                "upper_limit": mean + 2 * sd,
                "last_13_weeks": grid[:13].sum(),
                "before_13_weeks": grid[13:].sum() / 3,
                "days_52_weeks": bought[bought < 364].nunique(),
            }
        )
    return pd.DataFrame(rows)


ROWS = st.tuples(st.sampled_from("abcdefgh"), st.integers(-5, 420), st.integers(-5_000, 2_000_000))


@given(st.lists(ROWS, min_size=1, max_size=120))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_scores_equal_a_brute_force_grid(rows):
    table = purchases(rows)
    found = score_customers(table, as_of=AS_OF)
    wanted = brute_force(table, AS_OF)
    assert list(found["customer"]) == list(wanted.get("customer", []))
    for name in wanted.columns.drop("customer", errors="ignore"):
        np.testing.assert_allclose(
            found[name].astype(float),
            wanted[name].astype(float),
            rtol=1e-9,
            atol=1e-7,
            err_msg=name,
        )
    assert tuple(found.columns) == CUSTOMER_COLUMNS
    assert (found["points"] == found["signed_points"].clip(lower=0)).all()
