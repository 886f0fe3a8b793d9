"""One suite for every engine: the same purchases, brute force beside them, equal results."""

from __future__ import annotations

import sys
import types
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.purchases import engines
from analysis.purchases.engine import purchases_table
from analysis.purchases.engines import EngineFault, frame, open_engine
from analysis.purchases.score import ScoreRule
from analysis.purchases.scoring import ScoringPlan, score
from analysis.purchases.spark import missing
from analysis.purchases.tiers import TierRule

# py4j leaves its socket to the garbage collector when Spark stops.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)
AS_OF = date(2026, 6, 30)
PLAN = ScoringPlan(tiers=TierRule((("best", 0.1), ("good", 0.5)), rest="others"))


def log(seed=3, customers=60, rows=900):
    """Purchases over three years, some after the as-of day, with refunds and sales."""
    generator = np.random.default_rng(seed)
    ago = generator.integers(-20, 1100, rows)
    amount = generator.integers(-2_000, 20_000, rows)
    sale = generator.choice([True, False, None], rows)
    names = np.array([f"c{n:02}" for n in range(customers)])
    return pd.DataFrame(
        {
            "customer": names[np.floor(customers * generator.random(rows) ** 2).astype(int)],
            "time": [
                pd.Timestamp(AS_OF) - timedelta(days=int(n)) + timedelta(hours=int(n) % 24)
                for n in ago
            ],
            "amount": amount,
            "on_sale": sale,
            "currency": "USD",
        }
    )


def grid(mine):
    """Cents by weeks ago, 103 of them."""
    ago = (pd.Timestamp(AS_OF) - mine["time"].dt.normalize()).dt.days
    mine, ago = mine[ago >= 0], ago[ago >= 0]
    return np.array([mine["amount"][ago // 7 == week].sum() for week in range(103)]) / 100


def rolling(cents, weight=2.0):
    """The rolling score of every one of 52 weeks."""
    return np.array(
        [cents[w : w + 52].sum() + (weight - 1) * cents[w : w + 13].sum() for w in range(52)]
    )


@pytest.fixture(scope="session")
def scoring(engine):
    found = score(engine, log(), as_of=AS_OF, plan=PLAN)
    return found, frame(engine, found.customers.order_by("customer")).set_index("customer")


def test_rolling_mean_and_deviation_equal_a_grid(scoring):
    _, customers = scoring
    for customer, mine in log().groupby("customer"):
        if customer not in customers.index:
            continue
        wanted = rolling(grid(mine))
        found = customers.loc[customer]
        assert found["rolling_mean"] == pytest.approx(wanted.mean(), rel=1e-9, abs=1e-9)
        assert found["rolling_sd"] == pytest.approx(wanted.std(), rel=1e-9, abs=1e-9)
        assert found["signed_points"] == pytest.approx(wanted[0], rel=1e-12)
        weekly = grid(mine)[:52]
        assert found["weekly_sd"] == pytest.approx(weekly.std(), rel=1e-9, abs=1e-12)


def test_tiers_never_split_equal_points(scoring):
    found, customers = scoring
    cuts = dict(found.cuts.tiers)
    some = customers[customers["points"] > 0]
    best = some[some["tier"] == "best"]
    assert (best["points"] >= cuts["best"]).all()
    assert (some.loc[some["tier"] != "best", "points"] < cuts["best"]).all()
    assert 0 < len(best) <= 0.1 * len(some)
    assert (customers.loc[customers["points"] == 0, "tier"] == "inactive").all()
    assert some.groupby("points")["decile"].nunique().max() == 1
    assert customers["rank"].min() == 1
    assert (customers["rank"] == customers["points"].rank(ascending=False, method="min")).all()
    assert found.tiers["customers"].sum() == len(customers) == found.moves["customers"].sum()


def test_cohorts_and_retention_equal_plain_counting(scoring):
    found, _ = scoring
    table = log()
    day = table["time"].dt.normalize()
    table = table[(day <= pd.Timestamp(AS_OF)) & (table["amount"] >= 0)]
    month = table["time"].dt.year * 12 + table["time"].dt.month
    first = month.groupby(table["customer"]).transform("min")
    name = first.map(lambda m: f"{(m - 1) // 12}-{(m - 1) % 12 + 1:02}")
    active = table["customer"].groupby([name, month - first]).nunique()
    cohorts = found.cohorts.set_index(["cohort", "age"])["active"]
    assert cohorts[cohorts > 0].sort_index().to_dict() == active.to_dict()
    in_month = table.groupby(month)["customer"].agg(set)
    both = {m: len(in_month[m] & in_month.get(m + 1, set())) for m in in_month.index[:-1]}
    assert found.retention["retained"].tolist() == list(both.values())
    assert found.retention["low"].le(found.retention["share"]).all()


def test_nothing_after_the_day_leaks_in(engine, scoring):
    _, customers = scoring
    table = log()
    known = table[table["time"] < pd.Timestamp(AS_OF) + timedelta(days=1)]
    assert len(known) < len(table)
    alone = score(engine, known, as_of=AS_OF, plan=PLAN)
    again = frame(engine, alone.customers.order_by("customer")).set_index("customer")
    pd.testing.assert_frame_equal(again, customers, rtol=1e-12)


def test_a_weight_of_the_latest_weeks_is_configured(engine):
    plan = ScoringPlan(
        rule=ScoreRule(latest_weight=1.5), tiers=TierRule((("vip", 40.0),), by="cuts")
    )
    table = log(rows=120)
    found = frame(engine, score(engine, table, as_of=AS_OF, plan=plan).customers)
    for row in found.to_dict("records"):
        wanted = rolling(grid(table[table["customer"] == row["customer"]]), weight=1.5)
        assert row["rolling_mean"] == pytest.approx(wanted.mean(), rel=1e-9, abs=1e-9)
        assert row["rolling_sd"] == pytest.approx(wanted.std(), rel=1e-9, abs=1e-9)
        assert (row["tier"] == "vip") == (row["points"] >= 40)


def test_engines_agree(scoring):
    _, customers = scoring
    with open_engine() as duckdb:
        found = score(duckdb, log(), as_of=AS_OF, plan=PLAN)
        wanted = frame(duckdb, found.customers.order_by("customer")).set_index("customer")
    pd.testing.assert_frame_equal(customers, wanted, rtol=1e-9, atol=1e-9)


def test_an_unknown_engine_is_named():
    with pytest.raises(EngineFault, match="duckdb, spark"), open_engine("oracle"):
        pass


ROWS = st.tuples(st.sampled_from("abcd"), st.integers(0, 730), st.integers(-500, 10**6))


@given(st.lists(ROWS, min_size=1, max_size=60), st.sampled_from([1.0, 2.0, 2.5]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_small_log_equals_a_grid(rows, weight):
    table = pd.DataFrame(
        {
            "customer": [row[0] for row in rows],
            "time": [pd.Timestamp(AS_OF) - timedelta(days=row[1]) for row in rows],
            "amount": [row[2] for row in rows],
        }
    )
    plan = ScoringPlan(rule=ScoreRule(latest_weight=weight))
    with open_engine() as duckdb:
        found = frame(duckdb, score(duckdb, table, as_of=AS_OF, plan=plan).customers)
    for row in found.to_dict("records"):
        wanted = rolling(grid(table[table["customer"] == row["customer"]]), weight=weight)
        size = max(1.0, np.abs(wanted).max())
        assert abs(row["rolling_mean"] - wanted.mean()) < 1e-9 * size
        assert abs(row["rolling_sd"] - wanted.std()) < 1e-9 * size


def test_working_in_parts_changes_nothing(monkeypatch):
    with open_engine() as duckdb:
        wanted = frame(duckdb, score(duckdb, log(), as_of=AS_OF, plan=PLAN).customers)
    monkeypatch.setattr(engines, "PART_ROWS", 100)
    with open_engine() as duckdb:
        parted = score(duckdb, log(), as_of=AS_OF, plan=PLAN)
        assert len(duckdb.parts(purchases_table())) > 3
        found = frame(duckdb, parted.customers)
    by = "customer"
    pd.testing.assert_frame_equal(
        found.sort_values(by, ignore_index=True), wanted.sort_values(by, ignore_index=True)
    )


def test_missing_spark_and_java_are_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyspark", types.ModuleType("pyspark"))
    assert "there is no bin/java" in missing()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs Java 17" in missing()
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert "make setup-spark" in missing()
    with pytest.raises(EngineFault, match="make setup-spark"), open_engine("spark"):
        pass
