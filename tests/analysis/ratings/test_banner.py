import numpy as np
import pandas as pd
import pytest
import statsmodels.stats.oneway as oneway

from analysis.ratings.banner import banner
from analysis.study import parse_study

STUDY = parse_study(
    """
study: banner
title: Banner
pages:
  - id: one
    questions:
      - id: visits
        kind: single_choice
        text: How often?
        options: [{id: weekly, label: Every week}, {id: rarely, label: Rarely}]
      - id: channels
        kind: multiple_choice
        text: Where?
        options: [{id: shop, label: Shop}, {id: web, label: Web}]
      - {id: liking, kind: rating, text: Liking, low_label: Bad, high_label: Good}
"""
)


def answered(n, *, effect, seed):
    """Half of the people are in each of two groups; the second differs by ``effect``."""
    generator = np.random.default_rng(seed)
    second = np.arange(n) % 2
    rows = []
    for who, other in enumerate(second):
        weekly = generator.random() < 0.4 + 0.3 * effect * other
        web = generator.random() < 0.3
        liking = int(np.clip(round(generator.normal(4 + effect * other, 1.2)), 1, 7))
        rows += [
            (f"r{who}", "visits", "", "weekly" if weekly else "rarely", "answered"),
            (f"r{who}", "channels", "shop", "1", "answered"),
            (f"r{who}", "channels", "web", str(int(web)), "answered"),
            (f"r{who}", "liking", "", str(liking), "answered"),
        ]
    columns = ["respondent", "question", "item", "value", "status"]
    groups = pd.Series(np.where(second == 1, "new", "old"), index=[f"r{i}" for i in range(n)])
    return pd.DataFrame(rows, columns=columns), groups


def test_planted_differences_are_found_and_only_those():
    visits, channels, liking = banner(STUDY, *answered(300, effect=1, seed=1))
    assert visits.p < 0.01
    weekly = visits.rows[0]
    assert weekly.figures["new"].value > weekly.figures["old"].value
    assert [(d.first, d.second) for d in weekly.clear] == [("new", "old")]
    assert liking.p < 0.01
    assert channels.p > 0.05
    assert channels.rows[1].clear == ()


def test_the_test_of_means_is_that_of_statsmodels():
    answers, groups = answered(90, effect=0.5, seed=2)
    groups = pd.Series(np.resize(["a", "b", "c"], 90), index=groups.index)
    liking = answers[answers["question"] == "liking"]
    found = banner(STUDY, liking, groups)[0]
    numbers = liking.set_index("respondent")["value"].astype(float)
    parts = [numbers[groups == name] for name in "abc"]
    assert found.p == pytest.approx(oneway.anova_oneway(parts, use_var="unequal").pvalue)


def test_nothing_but_chance_rarely_shows_anything():
    shown = 0
    for seed in range(60):
        tables = banner(STUDY, *answered(80, effect=0, seed=seed))
        shown += any(row.clear for table in tables for row in table.rows)
    assert shown <= 8  # 3 expected: 5 % for the whole banner


def test_small_groups_and_people_without_a_group_are_left_out():
    answers, groups = answered(100, effect=0, seed=3)
    groups = groups.where(groups.index != "r0")
    groups["r2"] = "tiny"
    visits = banner(STUDY, answers, groups)[0]
    weekly = visits.rows[0].figures
    assert weekly["tiny"].reason == "fewer than 10 respondents"
    assert weekly["new"].n + weekly["old"].n == 98
