from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.drivers import LEAST_CUSTOMERS, sentence, value_relation
from analysis.estimate import Estimate


def world(n, *, slope, seed, weeks_after=13.0, bursts=2.0):
    """Customers whose later purchase rate is exp(slope) times higher per 10 points of value."""
    rng = np.random.default_rng(seed)
    value = rng.normal(10, 20, n)
    rate = 0.4 * np.exp(slope * value / 10) * rng.gamma(bursts, 1 / bursts, n)
    return pd.DataFrame(
        {
            "perceived_value": value,
            "days_before": rng.poisson(52 * 0.4, n),
            "weeks_before": 52.0,
            "days_after": rng.poisson(rate * weeks_after),
            "weeks_after": weeks_after,
        }
    )


def test_a_planted_ratio_is_found_and_said():
    found = value_relation(world(2000, slope=0.1, seed=1))
    assert found.estimate.low < np.exp(0.1) < found.estimate.high
    assert found.estimate.low > 1
    assert found.design == "later"
    assert found.sentence.startswith("Perceived value predicts later purchases, given earlier ones")
    assert found.dispersion > 1


def test_no_relation_is_said_to_be_unclear():
    found = value_relation(world(300, slope=0.0, seed=2))
    assert found.estimate.low < 1 < found.estimate.high
    assert "does not clearly predict" in found.sentence


def test_without_a_window_after_the_survey_things_go_together():
    table = world(400, slope=0.1, seed=3, weeks_after=0.0)
    rng = np.random.default_rng(4)
    table["days_before"] = rng.poisson(20 * np.exp(0.1 * table["perceived_value"] / 10))
    found = value_relation(table)
    assert found.design == "together"
    assert found.estimate.low < np.exp(0.1) < found.estimate.high
    assert "go together" in found.sentence
    assert "predict" not in found.sentence


def test_shorter_windows_are_allowed_for():
    table = world(3000, slope=0.1, seed=5)
    half = table.assign(weeks_after=np.where(table.index % 2, 13.0, 1.0))
    rng = np.random.default_rng(6)
    rate = 0.4 * np.exp(0.1 * half["perceived_value"] / 10)
    half["days_after"] = rng.poisson(rate * half["weeks_after"])
    found = value_relation(half).estimate
    assert found.low < np.exp(0.1) < found.high


def test_too_little_gives_a_reason():
    few = value_relation(world(LEAST_CUSTOMERS - 1, slope=0.1, seed=7))
    assert "are needed" in few.estimate.reason
    assert "cannot be told" in few.sentence
    quiet = world(100, slope=0, seed=8).assign(days_after=0)
    assert "0 purchase days" in value_relation(quiet).estimate.reason
    same = world(100, slope=0, seed=9).assign(perceived_value=5.0)
    assert "same perceived value" in value_relation(same).estimate.reason


def test_sentences_never_claim_a_cause():
    up = Estimate(value=1.2, low=1.1, high=1.3, n=99, method="m")
    for design in ("later", "together"):
        words = sentence(up, design)
        assert "+20 %" in words
        assert not {"drives", "causes", "because", "leads to"} & set(words.split())


def test_the_caution_does_not_say_which_error_weighs_more():
    # Value follows a lasting habit and has no effect of its own: the ratio still exceeds 1,
    # because the earlier count shows the habit only roughly.
    rng = np.random.default_rng(3)
    habit = rng.normal(size=4000)
    table = pd.DataFrame(
        {
            "perceived_value": 10 + 12 * habit + 16 * rng.normal(size=4000),
            "days_before": rng.poisson(52 * 0.15 * np.exp(0.7 * habit)),
            "weeks_before": 52.0,
            "days_after": rng.poisson(13 * 0.15 * np.exp(0.7 * habit)),
            "weeks_after": 13.0,
        }
    )
    found = value_relation(table)
    assert found.estimate.low > 1
    assert "probably stronger" not in found.caution
    assert "habit" in found.caution


@pytest.mark.deep
def test_intervals_cover_the_planted_ratio_in_a_bursty_world():
    hits = 0
    for seed in range(400):
        found = value_relation(world(400, slope=0.08, seed=seed)).estimate
        hits += found.low <= np.exp(0.08) <= found.high
    assert 0.92 <= hits / 400 <= 0.98
