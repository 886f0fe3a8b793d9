"""Shares of R squared as R's relaimpo gives them (see SOURCE.md)."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.ratings.driver_importance import driver_importance

PUBLISHED = {
    "education": 0.26013468,
    "examination": 0.17117303,
    "infant_mortality": 0.11276592,
    "catholic": 0.10557015,
}


def test_shapley_shares_of_five_drivers(monkeypatch):
    monkeypatch.setattr("analysis.ratings.driver_importance.LEAST_A_DRIVER", 9)
    data = pd.read_csv(Path(__file__).parent / "swiss.csv")
    found = driver_importance(data.drop(columns="fertility"), data["fertility"], seed=1)
    assert found.r_squared.value == pytest.approx(0.706735, abs=1e-6)
    shares = {driver.name: driver.importance.value for driver in found.drivers}
    assert shares.pop("agriculture") == pytest.approx(0.05709122, abs=5e-9)
    assert list(shares) == list(PUBLISHED)
    assert shares == pytest.approx(PUBLISHED, abs=6e-9)
