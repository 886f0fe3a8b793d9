from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lists import declining_customers
from analysis.purchases.score import score_customers
from analysis.purchases.winback.alarms import frozen_alarms

AS_OF = date(1998, 6, 30)


@pytest.fixture(scope="module")
def cdnow():
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        pytest.skip("lifetimes, which carries the CDNOW sample, is not installed")
    path = Path(found.origin).parent / "datasets" / "CDNOW_sample.txt"
    names = ["master", "customer", "day", "units", "dollars"]
    table = pd.read_csv(path, sep=r"\s+", names=names, dtype=str)
    return pd.DataFrame(
        {
            "customer": table["customer"],
            "time": pd.to_datetime(table["day"], format="%Y%m%d"),
            "amount": (table["dollars"].astype(float) * 100).round().astype("int64"),
        }
    )


def test_the_sample_is_the_published_one(cdnow):
    calibration = score_customers(cdnow, as_of=date(1997, 9, 30))
    assert (len(cdnow), len(calibration)) == (6919, 2357)
    assert (calibration["frequency"] == 1).sum() == 1411


def test_scores_equal_plain_pandas(cdnow):
    found = score_customers(cdnow, as_of=AS_OF).set_index("customer")
    ago = (pd.Timestamp(AS_OF) - cdnow["time"]).dt.days
    dollars = cdnow["amount"] / 100
    by = cdnow["customer"]
    window = dollars.where(ago < 364, 0)
    points = (window + dollars.where(ago < 91, 0)).groupby(by).sum()
    weeks = window.groupby([by, ago // 7]).sum().unstack(fill_value=0.0)
    weeks = weeks.reindex(columns=range(52), fill_value=0.0)
    mean, sd = weeks.mean(axis=1), weeks.std(axis=1, ddof=0)
    np.testing.assert_allclose(found["points"], points, atol=1e-9)
    np.testing.assert_allclose(found["weekly_mean"], mean, atol=1e-9)
    np.testing.assert_allclose(found["upper_limit"], mean + 2 * sd, atol=1e-9)
    np.testing.assert_allclose(found["lower_limit"], (mean - 2 * sd).clip(lower=0), atol=1e-9)
    np.testing.assert_array_equal(found["frequency"], cdnow.groupby("customer")["time"].nunique())
    np.testing.assert_allclose(found["monetary"], dollars.groupby(by).sum(), atol=1e-9)
    np.testing.assert_array_equal(found["recency_days"], ago.groupby(by).min())


def test_what_the_page_says(cdnow):
    found = score_customers(cdnow, as_of=AS_OF)
    page = Path(__file__).parents[3] / "docs" / "engagement-cdnow.md"
    text = page.read_text(encoding="utf-8")
    states = found["state"].value_counts()
    assert f"| customers | {len(found):,} |" in text
    assert f"| net spend, whole history | ${found['monetary'].sum():,.2f} |" in text
    assert f"| spend in the last 52 weeks | ${found['spend_52_weeks'].sum():,.2f} |" in text
    assert f"| points | {found['points'].sum():,.2f} |" in text
    assert f"| customers with points | {(found['points'] > 0).sum():,} |" in text
    for state, n in states.items():
        assert f"| `{state}` | {n:,} |" in text


def test_who_declined_as_the_page_says(cdnow):
    scores = score_customers(cdnow, as_of=AS_OF)
    alarms, facts = frozen_alarms(cdnow, as_of=AS_OF)
    found = declining_customers(scores, alarms, as_of=AS_OF)
    watched = len(found.campaign) + found.not_declining + found.too_few
    assert (watched, found.too_few, found.not_declining) == (932, 925, 5)
    assert len(found.campaign) == 2
    assert found.by_chance == pytest.approx(1.82, abs=0.005)
    assert (found.true_alarms.low, found.true_alarms.high) == (0, 1)
    assert facts["alarm_calibrated_on"] == "992"
