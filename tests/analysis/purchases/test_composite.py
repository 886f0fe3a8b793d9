from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.purchases.composite.behaviours import Beyond, behaviours
from analysis.purchases.composite.regression import fit
from analysis.purchases.composite.score import NotEnoughHistory, composite_score, held_out
from analysis.purchases.composite.validation import judge
from analysis.purchases.score import ScoreRule

AS_OF = date(2026, 6, 28)
START = AS_OF - timedelta(weeks=130)


def world(n, *, seed, leave, keen=None):
    """Customers with a steady own rate and basket, who leave for good at a weekly chance."""
    generator = np.random.default_rng(seed)
    rate = generator.gamma(1.5, 0.15, n)
    if keen is not None:
        rate *= np.where(keen, 0.5, 0.06)
    begin = generator.integers(0, 52, n)
    stay = generator.geometric(np.full(n, leave)) if leave else np.full(n, 999)
    basket = generator.gamma(4, 500, n)
    week = np.arange(130)
    here = (week >= begin[:, None]) & (week < (begin + stay)[:, None])
    bought = here & (generator.random((n, 130)) < 1 - np.exp(-rate[:, None]))
    bought[np.arange(n), begin] = True
    who, when = np.nonzero(bought)
    days = when * 7 + generator.integers(0, 7, len(who))
    return pd.DataFrame(
        {
            "customer": np.char.add("c", who.astype(str)),
            "time": pd.Timestamp(START) + pd.to_timedelta(days, unit="D"),
            "amount": (basket[who] * generator.gamma(4, 0.25, len(who))).astype(np.int64) + 1,
        }
    )


@pytest.fixture(scope="module")
def leaving():
    return composite_score(world(1500, seed=2, leave=0.02), as_of=AS_OF)


def gain(found, figure):
    table = found.judged.figures
    row = table[(table["score"] == "composite") & (table["figure"] == figure)]
    return row.iloc[0]


def test_where_customers_leave_recency_adds_to_points(leaving):
    assert leaving.chosen == "behaviours"
    assert leaving.verdict.startswith("better than points")
    assert gain(leaving, "rank_correlation")["gain_low"] > 0
    assert 0.7 < gain(leaving, "predicted_to_actual")["value"] < 1.4
    names = set(leaving.judged.figures["score"])
    assert names == {"composite", "points", "recency", "frequency", "spend", "bg_nbd"}
    calibration = leaving.judged.calibration
    assert np.corrcoef(calibration["predicted"], calibration["actual"])[0, 1] > 0.9


def test_it_says_so_when_it_is_not_better_than_points():
    """Later spend that has nothing to do with the past: nothing can foretell it."""
    table = world(700, seed=3, leave=0)
    names = table["customer"].unique()
    table["customer"] = np.random.default_rng(4).choice(names, len(table))
    assert composite_score(table, as_of=AS_OF).verdict == "not better than points"


def test_an_attribute_that_matters_is_found():
    n = 1200
    keen = np.arange(n) % 2 == 0
    table = world(n, seed=5, leave=0.01, keen=keen)
    attributes = pd.DataFrame(
        {"customer": [f"c{i}" for i in range(n)], "club": np.where(keen, "yes", "no")}
    )
    found = composite_score(table, as_of=AS_OF, beyond=Beyond(attributes=attributes))
    assert found.chosen.endswith("_and_more")
    row = found.fitted.table().set_index("column").filter(like="attribute:club", axis=0).iloc[0]
    sign = 1 if row.name.endswith("yes") else -1
    assert sign * row["coefficient"] > 0
    assert row["low"] > 0 or row["high"] < 0


def test_nothing_after_the_day_is_read(leaving):
    table = world(1500, seed=2, leave=0.02)
    late = table.tail(500).assign(time=pd.Timestamp(AS_OF) + timedelta(days=3), amount=10**7)
    again = composite_score(pd.concat([table, late]), as_of=AS_OF)
    pd.testing.assert_frame_equal(again.customers, leaving.customers)


def test_columns_of_a_customer_by_hand():
    days = [0, 7, 14, 200]
    table = pd.DataFrame(
        {
            "customer": "a",
            "time": [pd.Timestamp(AS_OF) - timedelta(days=n) for n in days],
            "amount": [1000, 2000, 3000, 4000],
            "product": ["x", "y", "x", "z"],
            "channel": "web",
            "on_sale": [True, False, False, True],
        }
    )
    events = pd.DataFrame(
        {"customer": ["a", "a", "a"], "time": ["2026-06-28", "2026-06-29", "2025-06-20"]}
    )
    found, _ = behaviours(table, on=AS_OF, rule=ScoreRule(), beyond=Beyond(events=events))
    row = found.loc["a"]
    assert row["frequency"] == pytest.approx(np.log(5))
    assert row["products"] == pytest.approx(np.log(4))
    assert row["channels"] == pytest.approx(np.log(2))
    assert row["sale_share"] == pytest.approx(0.5)
    assert row["trend"] == pytest.approx((60 - 40 / 3) / (60 + 40 / 3))
    assert row["events"] == pytest.approx(np.log(2))


def test_the_regression_recovers_a_known_truth():
    generator = np.random.default_rng(6)
    n = 20_000
    table = pd.DataFrame({"a": generator.normal(size=n), "b": generator.normal(size=n)})
    mean = np.exp(1 + 0.5 * table["a"] - 0.3 * table["b"])
    value = (mean * generator.gamma(0.5, 2, n)).to_numpy()  # over-dispersed
    found = fit(table, value, ("a", "b"))
    for got, error, truth in zip(
        found.coefficients[1:], found.errors[1:], (0.5, -0.3), strict=True
    ):
        assert abs(got - truth) < 4 * error
        assert 0.005 < error < 0.03
    assert found.expected(table).sum() == pytest.approx(value.sum(), rel=1e-4)


def test_a_score_that_knows_all_captures_the_most():
    value = np.r_[np.zeros(90), np.full(10, 7.0)]
    scores = {"composite": value, "points": np.arange(100.0)[::-1]}
    table = judge(scores, value, expected=("composite",), seed=1).figures.set_index(
        ["score", "figure"]
    )
    assert table.loc[("composite", "top_decile_capture"), "value"] == 1
    assert table.loc[("points", "top_decile_capture"), "value"] == 0
    assert table.loc[("composite", "predicted_to_actual"), "value"] == 1


def test_half_of_the_customers_are_held_out_the_same_in_any_log():
    names = pd.Index([f"c{n}" for n in range(4000)])
    assert 0.45 < held_out(names).mean() < 0.55
    assert (held_out(names[100:]) == held_out(names)[100:]).all()


def test_too_short_a_history_is_refused_in_words():
    table = world(50, seed=1, leave=0)
    with pytest.raises(NotEnoughHistory, match="customers had bought by"):
        composite_score(table, as_of=AS_OF)
