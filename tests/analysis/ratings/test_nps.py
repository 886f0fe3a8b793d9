from __future__ import annotations

import numpy as np
import pytest

from analysis.ratings.nps import effective_n, net_promoter_score


def test_the_shares_are_weighted_as_the_score_is():
    """Two promoters of weight 1 and a detractor of weight 2: half and half."""
    found = net_promoter_score([10, 9, 3], weights=[1, 1, 2])
    assert found.shares == pytest.approx((0.5, 0.0, 0.5))
    assert found.estimate.value == pytest.approx(100 * (found.shares[0] - found.shares[2]))
    assert (found.promoters, found.detractors) == (2, 1)


def test_counts_and_score_of_a_small_survey():
    score = net_promoter_score([10, 9, 8, 7, 6, 0, 10, 3])
    assert (score.promoters, score.passives, score.detractors, score.n) == (3, 2, 3, 8)
    assert score.estimate.value == 0
    assert score.estimate.low == pytest.approx(-score.estimate.high)


def test_interval_adds_three_answers_as_rocks_does():
    score = net_promoter_score([10] * 50 + [8] * 30 + [2] * 20).estimate
    promoters, detractors = 50.75 / 103, 20.75 / 103
    centre = promoters - detractors
    half = 1.959964 * np.sqrt((promoters + detractors - centre**2) / 103)
    assert score.value == pytest.approx(30)
    assert (score.low, score.high) == pytest.approx((100 * (centre - half), 100 * (centre + half)))


@pytest.mark.parametrize(("answer", "value"), [(10, 100), (0, -100), (8, 0)])
def test_unanimous_answers_still_have_a_width(answer, value):
    score = net_promoter_score([answer] * 20).estimate
    assert score.value == value
    assert score.high - score.low > 10
    assert -100 <= score.low <= value <= score.high <= 100


def test_equal_weights_change_nothing_and_unequal_ones_widen():
    answers = [10] * 30 + [8] * 20 + [1] * 10
    plain = net_promoter_score(answers).estimate
    same = net_promoter_score(answers, weights=[2.0] * 60).estimate
    uneven = net_promoter_score(answers, weights=[5.0, 1.0] * 30).estimate
    assert (same.value, same.low, same.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert uneven.high - uneven.low > plain.high - plain.low


def test_weighted_value_weighs_the_answers():
    assert net_promoter_score([10, 0], weights=[3, 1]).estimate.value == pytest.approx(50)
    assert effective_n(np.array([3.0, 1.0])) == pytest.approx(1.6)


def test_answers_outside_the_scale_are_all_named():
    with pytest.raises(ValueError, match=r"11 at position 1.*-1 at position 3.*7\.5 at position 4"):
        net_promoter_score([10, 11, 5, -1, 7.5])
    with pytest.raises(ValueError, match="nan at position 0"):
        net_promoter_score([float("nan")])


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="0 at position 1"):
        net_promoter_score([10, 9], weights=[1, 0])
    with pytest.raises(ValueError, match="3 weights for 2 answers"):
        net_promoter_score([10, 9], weights=[1, 1, 1])


def test_no_answers_give_a_reason_and_no_number():
    score = net_promoter_score([])
    assert score.estimate.reason == "nobody answered"
    assert score.n == 0


@pytest.mark.deep
@pytest.mark.parametrize("n", [10, 30, 100, 400])
@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.85, 0.1, 0.05), (0.1, 0.3, 0.6)])
def test_interval_covers_the_truth(n, shares):
    rng = np.random.default_rng(7)
    truth = 100 * (shares[0] - shares[2])
    answers = np.array([10, 8, 3])
    hits = 0
    for _ in range(4000):
        found = net_promoter_score(rng.choice(answers, n, p=shares)).estimate
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / 4000 <= 0.99
