"""A company with a planted strategy for each segment, and companies with none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.customers.actions.evidence import Answers, Evidence, evidence
from analysis.customers.actions.strategies import Strategy, strategies
from analysis.estimate import Estimate
from analysis.ratings.gaps import gap_column
from analysis.ratings.scales import score_column
from analysis.study import read_study

STUDY = read_study(Path(__file__).parents[4] / "examples" / "pastry" / "study.yaml")
SEGMENTS = ("hurt", "leaving", "wanting", "loyal", "small", "usual")
PLANTED = {
    "hurt": "service_recovery",
    "leaving": "win_back",
    "wanting": "product_improvement",
    "loyal": "relationship_loyalty",
    "small": "leave_alone",
    "usual": None,
}


def advised(rng: np.random.Generator, n: int, *, planted: bool) -> dict[str, Strategy]:
    """Advice for six segments of ``n``; without planting all are alike."""
    names = pd.Index([f"p{i}" for i in range(len(SEGMENTS) * n)])
    segment = np.repeat(SEGMENTS, n)
    of = {name: (segment == name) * planted for name in SEGMENTS}
    scores = {}
    for construct in STUDY.constructs:
        values = 60 + 15 * rng.standard_normal(len(names))
        if construct.facet == "satisfaction":
            values -= 15 * of["hurt"]
        if construct.facet == "emotional_engagement":
            values += 15 * of["loyal"]
        scores[score_column(construct.id)] = values
        gap = 10 * rng.standard_normal(len(names))
        if construct.facet == "functional_value":
            gap -= 12 * of["wanting"]
        scores[gap_column(construct.id)] = gap
    spend = rng.gamma(2, 100, len(names)) * (1 + 1.0 * of["loyal"] - 0.7 * of["small"])
    alarm = rng.random(len(names)) < 0.05 + 0.3 * of["leaving"]
    answers = Answers(
        STUDY,
        pd.DataFrame(scores, index=names),
        pd.Series(spend, index=names),
        pd.Series(alarm.astype(float), index=names),
        0.05,
        "USD",
    )
    pieces = []
    for name in SEGMENTS:
        members = names[segment == name]
        pieces += evidence(answers, name, members, members)
    return {found.segment: found for found in strategies(pieces, SEGMENTS)}


def test_the_planted_strategy_is_named():
    found = advised(np.random.default_rng(1), 150, planted=True)
    assert {name: one.family for name, one in found.items()} == PLANTED
    assert found["usual"].title == "Not enough evidence"
    assert found["usual"].next_step.startswith("nearest:")


def test_small_segments_are_not_judged():
    found = advised(np.random.default_rng(2), 6, planted=True)
    assert all(one.family is None for one in found.values())
    assert "nothing could be tested" in found["hurt"].next_step


def test_members_that_would_settle_it_pass_all_tests_together():
    """One of 20 pieces at p = .04 needs (3.02 / 2.05) squared as many members: more than twice."""
    estimate = Estimate(value=5.0, low=0.2, high=9.8, n=100, method="", unit="points")
    near = Evidence("gold", "service_recovery", "satisfaction lower", estimate, 0.04, True)
    rest = [replace(near, segment=f"s{n}", p=0.9) for n in range(19)]
    found = strategies([near, *rest], ["gold"])[0]
    assert found.family is None
    assert found.wanted == 217
    assert "about 217 of them would settle it, 100 are there" in found.next_step


def advice_where_nothing_is(rounds: int) -> float:
    rng = np.random.default_rng(3)
    hits = sum(
        any(one.family for one in advised(rng, 80, planted=False).values()) for _ in range(rounds)
    )
    return hits / rounds


def test_nothing_planted_nothing_advised():
    assert advice_where_nothing_is(60) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


@pytest.mark.deep
def test_advice_where_nothing_is_within_the_level():
    assert advice_where_nothing_is(1000) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.deep
def test_the_planted_strategy_is_named_in_most_companies():
    rng = np.random.default_rng(4)
    rounds = [advised(rng, 150, planted=True) for _ in range(200)]
    for name, family in PLANTED.items():
        share = np.mean([found[name].family == family for found in rounds])
        assert share >= 0.9, name
