"""The engagement profile: what each score rests on, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.customers.profile import engagement_profile, rank_correlation
from analysis.ratings.scales import construct_scores
from analysis.study import read_study
from analysis.study.types import EngagementPlan
from analysis.tables import BEHAVIOUR_COLUMNS

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
NAMES = [f"r{n}" for n in range(40)]
NOTHING = pd.DataFrame(columns=list(BEHAVIOUR_COLUMNS))


def answers(seed=1):
    rng = np.random.default_rng(seed)
    rows = []
    for construct in ("attention", "enthusiasm", "involvement"):
        for question, item in STUDY.items_of(construct):
            low, high = STUDY.points(STUDY.question(question))
            given = rng.integers(low, high + 1, size=len(NAMES))
            rows += [(n, question, item.id, str(v)) for n, v in zip(NAMES, given, strict=True)]
    nps = STUDY.recommendation().id
    rows += [(n, nps, "", str(v)) for n, v in zip(NAMES, rng.integers(0, 11, 40), strict=True)]
    frame = pd.DataFrame(rows, columns=["respondent", "question", "item", "value"])
    return frame.assign(status="answered")


def behaviour(people=30):
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "respondent": NAMES[:people],
            "customer": [f"c{n}" for n in range(people)],
            "until": "2026-06-29",
            "points": 1.0,
            "points_place": rng.uniform(0, 100, people),
            "retention": rng.choice([0.25, 0.5, 1.0], people),
            "event_periods": rng.integers(0, 5, people).astype(float),
            "loyalty_periods": np.nan,
        }
    )


def profile(study=STUDY, known=None):
    given = answers()
    known = behaviour() if known is None else known
    return engagement_profile(study, given, construct_scores(study, given), known)


def weighing(**weights):
    plan = STUDY.analysis.model_copy(update={"engagement": EngagementPlan(weights=weights)})
    return STUDY.model_copy(update={"analysis": plan})


def test_components_are_means_of_their_measures_for_those_who_have_all():
    found = {c.name: c for c in profile().components}
    scores = construct_scores(STUDY, answers())
    known = behaviour().set_index("respondent")
    thinking = (scores["attention.perceived"] + 25 * known["event_periods"]) / 2
    doing = (scores["involvement.perceived"] + known["points_place"] + 100 * known["retention"]) / 3
    assert found["cognitive"].scores.dropna().to_dict() == pytest.approx(
        thinking.dropna().to_dict()
    )
    assert found["behavioural"].estimate.value == pytest.approx(doing.mean())
    assert (found["behavioural"].estimate.n, found["emotional"].estimate.n) == (30, 40)
    nps = answers().query("question == @STUDY.recommendation().id").set_index("respondent")["value"]
    feeling = (scores["enthusiasm.perceived"] + 10 * nps.astype(float)) / 2
    assert found["emotional"].estimate.value == pytest.approx(feeling.mean())
    assert found["behavioural"].absent == (
        ("Loyalty programme: periods of 13 weeks with points", "not in the archive"),
    )


def test_weights_are_those_of_the_plan_and_one_not_named_does_not_count():
    found = profile(weighing(cognitive=3, emotional=1))
    assert found.weights == {"cognitive": 0.75, "emotional": 0.25}
    parts = {c.name: c.scores for c in found.components}
    wanted = 0.75 * parts["cognitive"] + 0.25 * parts["emotional"]
    pd.testing.assert_series_equal(found.composite, wanted, check_names=False)
    assert profile().weights == pytest.approx(
        {"cognitive": 1 / 3, "emotional": 1 / 3, "behavioural": 1 / 3}
    )


def test_an_archive_without_behaviour_leaves_the_answers():
    found = profile(known=NOTHING)
    doing = next(c for c in found.components if c.name == "behavioural")
    assert doing.estimate.n == 40 and found.estimate.n == 40
    assert {why for _, why in doing.absent} == {"not in the archive"}


def test_a_component_without_data_is_out_of_the_composite_and_says_so():
    silent = STUDY.model_copy(
        update={"constructs": tuple(c for c in STUDY.constructs if c.id != "involvement")}
    )
    found = profile(silent, known=NOTHING)
    doing = next(c for c in found.components if c.name == "behavioural")
    assert doing.estimate.reason == "not asked, and not in the archive"
    assert found.weights == {"cognitive": 0.5, "emotional": 0.5}


def test_other_weights_show_how_the_ranking_moves():
    found = profile()
    assert len(found.others) == 6
    parts = pd.DataFrame({c.name: c.scores for c in found.components}).dropna()
    doubled = (2 * parts["cognitive"] + parts["emotional"] + parts["behavioural"]) / 4
    wanted = stats.spearmanr(parts.mean(axis=1), doubled).statistic
    assert found.others[0].rank_correlation.value == pytest.approx(wanted)
    assert found.others[0].top_stays.n == 6  # a fifth of 30
    assert not profile(weighing(emotional=1)).others


def test_the_interval_of_the_rank_correlation_is_that_of_bonett_and_wright():
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(400):
        pair = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=60)
        found = rank_correlation(pd.Series(pair[:, 0]), pd.Series(pair[:, 1]))
        covered += found.low < 6 / np.pi * np.arcsin(0.35) < found.high
    assert 0.92 <= covered / 400 <= 0.98
