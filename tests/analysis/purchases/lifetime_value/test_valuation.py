from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.purchases.lifetime_value.acquisition import acquisition, check_costs
from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.calibration import Calibration
from analysis.purchases.lifetime_value.expected import expected_purchases, weekly_discount
from analysis.purchases.lifetime_value.grouped import (
    customer_histories,
    grouped_histories,
    histories_of,
    later_purchases,
)
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.small_cohorts import without_small_cohorts
from analysis.purchases.lifetime_value.valuation import (
    FIGURES,
    CovariateChoice,
    Plan,
    value_customers,
)
from tests.analysis.purchases.lifetime_value.customers_of_truth import PARETO, buying_times

AS_OF = date(2026, 6, 30)
WEEKS = 80


@pytest.fixture(scope="module")
def purchases():
    """1,500 customers whose first purchase came within 40 weeks; two channels."""
    generator = np.random.default_rng(11)
    truth = PARETO | {"alpha": 3.0}
    times = buying_times("pareto-nbd", truth, 1_500, weeks=WEEKS, generator=generator)
    first = generator.integers(0, 280, 1_500)
    mean = 20 * generator.gamma(4, 1 / 3, 1_500)
    rows = []
    for customer, own in enumerate(times):
        days = np.unique(np.append(0, np.floor(own * 7).astype(int))) + first[customer]
        rows += [
            (f"c{customer:04}", day, int(100 * mean[customer] * generator.gamma(5, 1 / 5)) + 1)
            for day in days[days < WEEKS * 7]
        ]
    table = pd.DataFrame(rows, columns=["customer", "day", "amount"])
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=WEEKS * 7 - 1)
    return pd.DataFrame(
        {
            "customer": table["customer"],
            "time": start + pd.to_timedelta(table["day"], unit="D") + pd.Timedelta(hours=20),
            "amount": table["amount"],
            "channel": np.where(table["customer"].str[-1].isin(list("012")), "web", "store"),
        }
    )


@pytest.fixture(scope="module")
def costs(purchases):
    web = purchases[purchases["channel"] == "web"]
    first = web.groupby("customer")["time"].min().dt.strftime("%Y-%m")
    months = sorted(first.unique())
    return pd.DataFrame(
        {
            "channel": ["web"] * len(months) + ["store", "phone"],
            "cohort": [*months, "", "2026-01"],
            "cost": ["4", *["900"] * (len(months) - 1), "1000000", "77"],
        }
    )


@pytest.fixture(scope="module")
def valuation(purchases, costs):
    plan = Plan(PARETO_NBD, Horizon(52, 0.1, 0.3), validation_weeks=26, costs=costs)
    return value_customers(purchases, as_of=AS_OF, plan=plan)


def cents(rows, **extra):
    return pd.DataFrame(
        {
            "customer": [row[0] for row in rows],
            "time": [pd.Timestamp(AS_OF - timedelta(days=row[1])) for row in rows],
            "amount": np.array([row[2] for row in rows], dtype="int64"),
            **extra,
        }
    )


def test_a_history_by_hand():
    rows = [("a", 100, 1000), ("a", 100, 500), ("a", 40, 2000), ("a", 40, -300), ("a", 30, -900)]
    rows += [("a", 20, 0), ("a", -1, 700), ("b", 5, -100), ("d", 9, -100), ("d", 3, 100)]
    found = customer_histories(cents(rows), as_of=AS_OF).set_index("customer")
    # Refunds alone make no purchase day; a day that nets to zero is one, but not in spend.
    assert list(found.index) == ["a", "d"]
    a = found.loc["a"]
    assert (a["x"], a["t_x_days"], a["T_days"], a["first_day"]) == (2, 80, 100, "2026-03-22")
    assert (a["paid_days"], a["paid"], a["unpaid_days"], a["net"]) == (1, 17.0, 1, 23.0)
    assert (found.loc["d", "x"], found.loc["d", "T_days"]) == (0, 3)


def test_histories_equal_plain_pandas_and_groups_count_them(purchases):
    cut = AS_OF - timedelta(days=100)
    found = customer_histories(purchases, as_of=cut)
    day = purchases["time"].dt.normalize()
    known = purchases[day <= pd.Timestamp(cut)].assign(day=day)
    by = known.groupby("customer")["day"]
    np.testing.assert_array_equal(found["customer"], list(by.groups))
    np.testing.assert_array_equal(found["x"], by.nunique() - 1)
    np.testing.assert_array_equal(found["t_x_days"], (by.max() - by.min()).dt.days)
    np.testing.assert_array_equal(found["T_days"], (pd.Timestamp(cut) - by.min()).dt.days)
    grouped = grouped_histories(purchases, as_of=cut)
    counted = found.groupby(["x", "t_x_days", "T_days"]).size()
    np.testing.assert_array_equal(grouped.n, counted)
    np.testing.assert_allclose(grouped.T * 7, counted.index.get_level_values("T_days"))
    later = later_purchases(purchases, since=cut, until=AS_OF).set_index("customer")["later"]
    after = purchases[(day > pd.Timestamp(cut)) & purchases["customer"].isin(found["customer"])]
    pd.testing.assert_series_equal(
        later, after.groupby("customer").size(), check_names=False, check_dtype=False
    )


def test_every_customer_is_valued(valuation, purchases):
    each = valuation.customers
    assert valuation.gate.passed
    assert not valuation.reasons
    assert list(each["customer"]) == sorted(purchases["customer"].unique())
    assert each[list(FIGURES)].notna().all(axis=None)
    rows = histories_of(customer_histories(purchases, as_of=AS_OF))
    discount = weekly_discount(0.1)
    discounted = expected_purchases(valuation.fit, rows, 52, discount=discount)
    np.testing.assert_allclose(
        each["residual_value"], 0.3 * discounted * each["expected_spend"], rtol=1e-9
    )
    value, low, high = valuation.totals["residual_value"]
    assert low < value < high
    assert value == pytest.approx(each["residual_value"].sum())
    for name, truth in (PARETO | {"alpha": 3.0}).items():
        error = valuation.fit.standard_errors[name]
        assert abs(valuation.fit.parameters[name] - truth) < 4 * error, name


def test_the_validation_period_was_predicted(valuation, purchases):
    found = valuation.checks.calibration
    assert isinstance(found, Calibration)
    cut = pd.Timestamp(found.fitted_until) + pd.Timedelta(days=1)
    assert found.actual == (purchases["time"] >= cut).sum()
    assert found.predicted_low < found.actual < found.predicted_high
    assert found.coverage > 0.94
    assert found.correlation > 0.6
    assert found.classes["n"].sum() == found.n == 1_500
    assert (found.classes["n"] * found.classes["actual"]).sum() == pytest.approx(found.actual)
    assert list(found.classes["repeats"])[-1] == "7+"
    tracking = found.tracking
    assert tracking["validation"].sum() == 26
    assert len(tracking) == WEEKS
    assert tracking["actual"].iloc[-1] == len(purchases) - 1_500
    assert tracking["predicted"].iloc[-1] == pytest.approx(tracking["actual"].iloc[-1], rel=0.1)


def test_cohorts_stand_against_their_cost(valuation, purchases):
    found = valuation.acquisition.set_index(["channel", "cohort"])
    store = purchases[purchases["channel"] == "store"]
    row = found.loc[("store", "all")]
    assert row["n"] == store["customer"].nunique()
    assert row["acquisition_cost"] == pytest.approx(1_000_000 / row["n"])
    first = store.groupby("customer")["time"].transform("min").dt.normalize()
    age = (store["time"].dt.normalize() - first).dt.days
    worth = store["amount"] / 100 * 0.3 * 1.1 ** (-age / 365.25)
    assert row["realised_value"] == pytest.approx(worth.sum() / row["n"])
    each = valuation.customers[valuation.customers["customer"].isin(store["customer"])]
    back = 1.1 ** (-each["weeks_since_first"] * 7 / 365.25)
    assert row["residual_value"] == pytest.approx((each["residual_value"] * back).mean(), rel=1e-6)
    assert row["residual_value_low"] < row["residual_value"] < row["residual_value_high"]
    assert row["lifetime_value"] == pytest.approx(row["realised_value"] + row["residual_value"])
    assert row["clv_to_cac"] == pytest.approx(row["lifetime_value"] / row["acquisition_cost"])
    assert row["payback"] == "not within the horizon"
    assert np.isnan(row["payback_weeks"])


def test_payback_and_what_is_unknown(valuation, costs):
    found = valuation.acquisition.set_index(["channel", "cohort"])
    months = costs.loc[costs["channel"] == "web", "cohort"]
    cheap = found.loc[("web", months.iloc[0])]
    assert (cheap["payback"], cheap["payback_weeks"]) == ("observed", 0)
    web = found.loc[("web", "all")]
    assert web["acquisition_cost"] == pytest.approx((4 + 900 * (len(months) - 1)) / web["n"])
    stores = found.loc["store"].drop("all")
    assert stores["clv_to_cac"].isna().all()
    assert stores["lifetime_value"].notna().all()
    assert (stores["payback"] == "unknown").all()
    assert stores["unknown"].str.startswith("acquisition cost unknown: no cost of store").all()
    assert found.loc[("phone", "2026-01"), "unknown"] == "cost 77.00 but no customer came"


def test_an_expected_payback_lies_between_the_past_and_the_horizon(purchases, valuation):
    row = valuation.acquisition.set_index(["channel", "cohort"]).loc[("store", "all")]
    halfway = row["realised_value"] + row["residual_value"] / 2
    cost = pd.DataFrame({"channel": ["store"], "cost": [halfway * row["n"]]})
    plan = Plan(PARETO_NBD, Horizon(52, 0.1, 0.3), validation_weeks=0, costs=cost)
    found = value_customers(purchases, as_of=AS_OF, plan=plan)
    again = found.acquisition.set_index(["channel", "cohort"]).loc[("store", "all")]
    age = found.customers["weeks_since_first"].mean()
    assert again["payback"] == "expected"
    assert age + 10 < again["payback_weeks"] < age + 35
    assert found.checks.calibration == "not asked for"


def test_without_margin_or_costs_numbers_are_unknown(purchases):
    plan = Plan(BG_NBD, Horizon(520), validation_weeks=75)
    found = value_customers(purchases, as_of=AS_OF, plan=plan)
    assert found.reasons == {"residual_value": "unknown: no margin given"}
    assert found.customers["residual_value"].isna().all()
    assert "residual_value" not in found.totals
    assert found.acquisition["lifetime_value"].isna().all()
    assert (
        found.acquisition["unknown"]
        == "acquisition cost unknown: no costs given; value unknown: no margin given"
    ).all()
    assert found.checks.calibration.startswith("the time before the last 75 weeks is too short")
    assert any("alive for certain by its definition" in words for words in found.warnings)
    assert any("longer than the history" in words for words in found.warnings)


@pytest.mark.parametrize(
    ("keep", "as_of", "words"),
    [
        (lambda p: p["customer"] < "c0400", AS_OF, "400 customers with purchases, 500 are needed"),
        (lambda p: p["time"] < "2025-06-01", date(2025, 5, 31), "days of history up to 2025-05-31"),
        (lambda p: p["time"] < "2026-05-01", AS_OF, r"the last purchase of all was 6\d"),
        (lambda p: ~p.duplicated("customer"), AS_OF, "0 customers with three purchase days"),
        (lambda p: p["amount"] < 0, AS_OF, "0 customers with purchases"),
    ],
)
def test_too_short_a_history_gets_a_reason_and_no_number(purchases, keep, as_of, words):
    plan = Plan(PARETO_NBD, Horizon(52, 0.1, 0.3))
    found = value_customers(purchases[keep(purchases)], as_of=as_of, plan=plan)
    assert not found.gate.passed
    assert found.fit is None
    assert found.customers[list(FIGURES)].isna().all(axis=None)
    assert not found.totals
    assert pd.Series(found.reasons["lifetime_value"]).str.contains(words).all()
    assert found.checks.calibration == "there is no forecast to check"
    assert found.acquisition["lifetime_value"].isna().all()


def test_a_customer_is_worth_more_where_a_covariate_says_so(purchases):
    names = sorted(purchases["customer"].unique())
    counts = purchases.groupby("customer").size().reindex(names)
    table = pd.DataFrame({"customer": names, "liking": np.log(counts.to_numpy())})
    chosen = CovariateChoice(table, rate=("liking",))
    plan = Plan(BG_NBD, Horizon(26), validation_weeks=0, covariates=chosen)
    found = value_customers(purchases, as_of=AS_OF, plan=plan)
    coefficient, error = found.fit.covariates["rate:liking"]
    assert coefficient > 5 * error > 0
    assert found.customers["purchases_high"].notna().all()


def test_all_faults_of_the_costs_are_said_at_once():
    costs = pd.DataFrame(
        {
            "channel": ["web", "", "web", "shop"],
            "cohort": ["2026-13", "2026-01", "", ""],
            "cost": ["1", "2", "x", "-1"],
        }
    )
    with pytest.raises(ValueError, match="no month") as fault:
        check_costs(costs)
    for words in ("row 1: the cohort", "row 2: the channel", "row 3: the cost", "row 4: the cost"):
        assert words in str(fault.value)
    with pytest.raises(ValueError, match="lack the column"):
        check_costs(costs[["channel"]])
    twice = pd.DataFrame({"channel": ["a", "a"], "cost": [1, 2]})
    with pytest.raises(ValueError, match="row 2: channel and cohort stand twice"):
        check_costs(twice)


@pytest.mark.parametrize(
    ("youngest", "words"), [(1.0, "observed, at the latest"), (3.0, "observed")]
)
def test_a_cost_that_is_covered_is_not_called_expected(youngest, words):
    """20 customers bring 100 at once and 900 after three weeks, and cost 800 to win."""
    cohorts = pd.DataFrame(
        {"channel": ["web"], "cohort": ["all"], "n": [20], "least_age": youngest, "mean_age": 9.0}
    )
    spend = pd.DataFrame(
        {"channel": "web", "cohort": "2026-01", "age": [0, 21], "spend": [100.0, 900.0]}
    )
    costs = check_costs(pd.DataFrame({"channel": ["web"], "cost": ["800"]}))
    row = acquisition(
        cohorts, spend=spend, costs=costs, horizon=Horizon(52, 0.0, 1.0), residual="untold"
    ).iloc[0]
    assert (row["payback_weeks"], row["payback"]) == (3, words)


def test_cohorts_of_fewer_than_ten_customers_have_no_figures():
    n = {"web": [40, 9, 12], "shop": [30, 4, 8], "phone": [9]}
    rows = [
        (channel, f"2026-{month:02}", size, 100.0 * size, "observed", "")
        for channel, sizes in n.items()
        for month, size in enumerate(sizes, 1)
    ]
    rows += [(channel, "all", sum(sizes), 5.0, "observed", "") for channel, sizes in n.items()]
    rows += [("post", "2026-01", 0, np.nan, "", "cost 5.00 but no customer came")]
    names = ["channel", "cohort", "n", "lifetime_value", "payback", "unknown"]
    found = pd.DataFrame(rows, columns=names)
    shown = without_small_cohorts(found).set_index(["channel", "cohort"])
    assert list(shown["n"]) == list(found["n"])
    hidden = shown["unknown"].str.startswith("not shown")
    assert (shown["lifetime_value"].isna() == (hidden | (shown["n"] == 0))).all()
    assert shown.loc[hidden, "payback"].isna().all()
    # 9 alone would come out by subtraction from the whole of web; 4 and 8 only together.
    assert list(shown.index[hidden]) == [
        ("web", "2026-02"),
        ("web", "2026-03"),
        ("shop", "2026-02"),
        ("shop", "2026-03"),
        ("phone", "2026-01"),
        ("phone", "all"),
    ]
    assert "another cohort" in shown.loc[("web", "2026-03"), "unknown"]
    assert found["lifetime_value"].notna().sum() == 10
