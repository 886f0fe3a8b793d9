"""The own brand against competitors, paired within respondents."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.ratings.relative_value import AVERAGE, GAINS, VALUE, relative_value
from analysis.study import parse_study

TEXT = """
study: rivals
title: Rivals
constructs:
  - {id: quality, label: Quality, facet: functional_value}
  - {id: warmth, label: Warmth, facet: emotional_value}
  - {id: burden, label: Burden, facet: monetary_cost}
pages:
  - id: brands
    loop:
      entries: [{id: us, label: Us}, {id: north, label: North}, {id: south, label: South}]
      own: us
    pages:
      - id: image
        questions:
          - id: image
            kind: matrix
            text: About ${entry}
            scale: [a, b, c, d, e]
            items:
              - {id: fresh, text: Fresh, measures: quality}
              - {id: same, text: Same, measures: quality}
              - {id: smile, text: Smile, measures: warmth}
              - {id: dear, text: Dear, measures: burden}
"""
STUDY = parse_study(TEXT)
ITEMS = ("fresh", "same", "smile", "dear")


def answers(rated):
    """Rows of answers from four points of 1 to 5 each, None where not answered."""
    rows = [
        (who, f"image__{brand}", item, str(point), "answered")
        for (who, brand), points in rated.items()
        for item, point in zip(ITEMS, points, strict=True)
        if point is not None
    ]
    return pd.DataFrame(rows, columns=["respondent", "question", "item", "value", "status"])


def company(rng, n, *, ahead=0.0, knows=0.7):
    """n respondents; North is known to a share of them and rated `ahead` points of 5 lower."""
    rated = {}
    for person in range(n):
        mood = rng.normal(0, 0.7)
        for brand, shift in (("us", 0.0), ("north", -ahead), ("south", 0.0)):
            if brand == "us" or rng.random() < knows:
                points = np.clip(np.round(rng.normal(3.2 + mood + shift, 0.8, 4)), 1, 5).astype(int)
                rated[f"r{person:04}", brand] = tuple(points)
    return answers(rated)


def one(found, competitor, figure):
    return next(c for c in found.comparisons if (c.competitor, c.figure) == (competitor, figure))


def test_pairs_people_and_items():
    found = relative_value(
        STUDY,
        answers(
            {
                ("r1", "us"): (5, 5, 3, 2),
                ("r1", "north"): (3, None, 3, 4),
                ("r2", "us"): (4, 2, 4, 3),
                ("r2", "north"): (4, 4, 2, 3),
                ("r3", "us"): (1, 1, 1, 1),
                ("r4", "north"): (1, 1, 1, 1),
            }
        ),
    )
    assert found.own == ("us", "Us")
    assert found.raters == {"us": 3, "north": 3, "south": 0}
    quality = one(found, "north", "quality")
    # r1: fresh alone, 100 less 50; r2: 50 less 75; r3 and r4 rated one brand only
    assert (quality.difference.value, quality.difference.n) == (pytest.approx((50 - 25) / 2), 2)
    value = one(found, "north", VALUE)
    # r1: benefits 75 less 50, costs 25 less 75; r2: (50+75)/2 less (75+25)/2, costs equal
    assert value.difference.value == pytest.approx((25 + 50 + 12.5) / 2)
    assert not value.ratio.available
    assert not one(found, "south", "quality").difference.available
    assert value.p is None


def test_agrees_with_the_paired_t_test_over_all_lines_at_once():
    table = company(np.random.default_rng(3), 120, ahead=0.4)
    found = relative_value(STUDY, table)
    scores = {}
    for brand in ("us", "north"):
        mine = table[table["question"] == f"image__{brand}"]
        wide = mine.pivot(index="respondent", columns="item", values="value").astype(float)
        scores[brand] = 25 * (wide[["fresh", "same"]].mean(axis=1) - 1)
    both = pd.DataFrame(scores).dropna()
    test = stats.ttest_rel(both["us"], both["north"])
    quality = one(found, "north", "quality")
    assert quality.difference.value == pytest.approx((both["us"] - both["north"]).mean())
    lines = len(found.comparisons)
    assert (quality.difference.low, quality.difference.high) == pytest.approx(
        tuple(test.confidence_interval(1 - 0.05 / lines))
    )
    assert quality.p == pytest.approx(min(1, lines * test.pvalue))
    assert f"simultaneous over {lines} comparisons" in quality.difference.method
    assert quality.ratio.value == pytest.approx(both["us"].mean() / both["north"].mean())


def test_difference_and_index_give_the_same_verdict():
    rng = np.random.default_rng(4)
    seen = set()
    for ahead in (0.0, 0.15, 0.25, 0.4) * 3:
        for line in relative_value(STUDY, company(rng, 60, ahead=ahead)).comparisons:
            beyond = line.difference.clear_of_zero
            assert line.clear == beyond
            if line.ratio.available:
                assert (line.ratio.low > 1 or line.ratio.high < 1) == beyond
            seen.add(beyond)
    assert seen == {True, False}


def test_the_average_competitor_is_that_of_those_a_respondent_rated():
    found = relative_value(
        STUDY,
        answers(
            {
                ("r1", "us"): (5, 5, 5, 1),
                ("r1", "north"): (3, 3, 3, 1),
                ("r1", "south"): (1, 1, 1, 1),
                ("r2", "us"): (3, 3, 3, 1),
                ("r2", "north"): (4, 4, 4, 1),
            }
        ),
    )
    assert one(found, AVERAGE, GAINS).difference.value == pytest.approx((75 - 25) / 2)


def test_without_competitors_there_is_nothing_to_compare():
    alone = parse_study(TEXT.replace("own: us", "order: random"))
    assert relative_value(alone, answers({("r1", "us"): (1, 2, 3, 4)})) is None


def test_alike_brands_are_seldom_called_different_and_intervals_cover():
    rng = np.random.default_rng(11)
    called, covered, repeats = 0, 0, 120
    for _ in range(repeats):
        found = relative_value(STUDY, company(rng, 60))
        called += any(c.clear for c in found.comparisons)
        gap = one(found, "north", VALUE).difference
        covered += gap.low <= 0 <= gap.high
    assert called / repeats <= 0.05 + 2.5 * (0.05 * 0.95 / repeats) ** 0.5
    assert covered / repeats >= 0.95 - 2.5 * (0.05 * 0.95 / repeats) ** 0.5
