"""Planted paths between two waves, seen through items and counts."""

import numpy as np
import pandas as pd
import pytest

from analysis.customers.cross_lagged import cross_lagged

TRUTH = {
    "value_to_value": 0.6,
    "engagement_to_value": 0.1,
    "value_to_engagement": 0.2,
    "engagement_to_engagement": 0.5,
}
NOISE = 0.8
MEAN, SPREAD, WEEKS = 1.0, 0.35, 13


def panel(seed, n=1_500):
    """Three items of value and 13 weeks of purchases in each of two waves."""
    rng = np.random.default_rng(seed)
    first = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], size=n)
    slopes = np.array([[0.6, 0.2], [0.1, 0.5]])
    left = np.eye(2) - slopes.T @ [[1, 0.3], [0.3, 1]] @ slopes
    second = first @ slopes + rng.multivariate_normal([0, 0], np.diag(np.diag(left)), size=n)
    frame = {}
    for wave, true in ((1, first), (2, second)):
        frame[f"value_{wave}"] = true[:, 0] + rng.normal(0, (NOISE / 3) ** 0.5, n)
        rate = np.clip(MEAN + SPREAD * true[:, 1], 0, None)
        count = rng.poisson(WEEKS * rate)
        frame[f"engagement_{wave}"] = (count / WEEKS - MEAN) / SPREAD
    errors = {"value": NOISE / 3, "engagement": MEAN / WEEKS / SPREAD**2}
    return pd.DataFrame(frame), errors


def test_error_of_measurement_is_taken_out():
    frame, errors = panel(1, n=12_000)
    paths = cross_lagged(frame, errors, seed=1)
    for path in paths:
        assert path.corrected.value == pytest.approx(TRUTH[path.path], abs=0.05)
        assert path.corrected.low < path.corrected.value < path.corrected.high
    naive = {path.path: path.naive.value for path in paths}
    expected = {
        "value_to_value": 0.477,
        "engagement_to_value": 0.085,
        "value_to_engagement": 0.204,
        "engagement_to_engagement": 0.300,
    }
    assert naive == pytest.approx(expected, abs=0.03)


@pytest.mark.deep
def test_corrected_paths_cover_the_truth():
    inside = dict.fromkeys(TRUTH, 0)
    worlds = 300
    means = {name: [] for name in TRUTH}
    for seed in range(worlds):
        frame, errors = panel(seed)
        for path in cross_lagged(frame, errors, seed=seed):
            inside[path.path] += path.corrected.low <= TRUTH[path.path] <= path.corrected.high
            means[path.path].append((path.naive.value, path.corrected.value))
    for name, hits in inside.items():
        naive, corrected = np.mean(means[name], axis=0)
        print(name, hits / worlds, naive, corrected)
        assert hits / worlds > 0.91
        assert corrected == pytest.approx(TRUTH[name], abs=0.02)


def test_blurred_or_few_scores_give_no_paths():
    frame, errors = panel(2, n=200)
    blurred = cross_lagged(frame, {**errors, "value": 5.0}, seed=1)
    assert all("too blurred" in path.corrected.reason for path in blurred)
    assert all(path.naive.available for path in blurred)
    few = cross_lagged(frame[:20], errors, seed=1)
    assert all("20 customers" in path.corrected.reason for path in few)
    unknown = cross_lagged(frame, {**errors, "engagement": float("inf")}, seed=1)
    assert not any(path.corrected.available for path in unknown)
