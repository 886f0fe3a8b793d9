"""The engagement profile and its relation to money, as the report says them."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import normalised
from analysis.choices.hb import Settings
from analysis.study import read_study
from analysis.study.load import parse_study
from analysis.study.types import Wave
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.tables import BEHAVIOUR_COLUMNS
from analysis.value_report import choice_parts as choices
from analysis.value_report.engagement_parts import profile_of, upper_level
from analysis.value_report.engagement_sections import engagement_sections
from analysis.value_report.used import used_rows

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
STUDY = DEMO.model_copy(update={"waves": (Wave(id="w1", label="One"), Wave(id="w2", label="Two"))})
"""By hierarchical Bayes, as the demo."""


@pytest.fixture(scope="module")
def used():
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=500, respondents=200)
    return used_rows(normalised(archive_of(company, STUDY)))


@pytest.fixture(scope="module")
def fitted(used):
    return choices.choice_parts(used, seed=1, chains=Settings(at_most=8_000))


def test_the_demo_has_all_three_components_and_says_what_they_rest_on(used, fitted):
    profile, money = engagement_sections(used, fitted, seed=1)
    words = [row[0] for row in profile.tables[0].rows]
    assert sum(word.startswith(("Thinking", "Feeling", "Doing")) for word in words) == 3
    assert "not in the archive" not in [row[1] for row in profile.tables[0].rows]
    composite = profile.tables[0].rows[-1][1]
    assert composite.n == len(profile_of(used).composite.dropna()) > 100
    assert "thinking 33%" in profile.text[0]
    assert "no Net Promoter Score" in profile.caution.replace("\n", " ")
    assert "which comes first is not known" in money.caution


def test_money_comes_from_the_fit_that_knows_engagement(used, fitted):
    _, money = engagement_sections(used, fitted, seed=1)
    hierarchy = fitted.fit.fitted.hierarchy
    assert hierarchy.covariates == ("engagement", "no engagement score")
    known = profile_of(used).composite.dropna()
    assert f"{len(used.respondents) - len(known)} respondents without" in money.text[1]
    rows = money.tables[0].rows
    assert len(rows) == 5
    assert {row[3].n for row in rows} == {len(known)}
    # nothing is planted between engagement and choices
    assert sum(row[3].low < 0 < row[3].high for row in rows) >= 4
    without = replace(hierarchy, covariates=())
    fit = replace(fitted.fit, fitted=replace(fitted.fit.fitted, hierarchy=without))
    _, silent = engagement_sections(used, replace(fitted, fit=fit), seed=1)
    assert not silent.tables


def test_the_upper_level_gives_those_without_a_score_a_mean_of_their_own(used):
    names = list(used.respondents["respondent"])
    found = upper_level(used, names)
    composite = profile_of(used).composite.reindex(names)
    missing = composite.isna().to_numpy()
    assert (found["no engagement score"].to_numpy() == missing).all()
    assert (found.loc[missing, "engagement"] == 0).all()
    assert found.loc[~missing, "engagement"].mean() == pytest.approx(0)
    assert found.loc[~missing, "engagement"].std() == pytest.approx(1)
    assert upper_level(used, names[:20]) is None


def test_waves_stand_side_by_side(used):
    people = used.respondents.copy()
    people["wave"] = ["w1" if n % 2 else "w2" for n in range(len(people))]
    profile, *_ = engagement_sections(replace(used, respondents=people), choices.ChoiceParts(),
                                      seed=1)  # fmt: skip
    waves = next(table for table in profile.tables if table.id == "waves")
    assert waves.columns[1:3] == ("One", "Two")
    assert [row[0] for row in waves.rows][-1] == "Composite"


def test_an_older_archive_says_what_is_not_in_it(used):
    older = replace(used.archive, behaviour=used.archive.behaviour.iloc[:0])
    assert list(older.behaviour.columns) == list(BEHAVIOUR_COLUMNS)
    profile, *_ = engagement_sections(replace(used, archive=older), choices.ChoiceParts(), seed=1)
    assert [row[1] for row in profile.tables[0].rows].count("not in the archive") == 4
    assert profile.tables[0].rows[-1][1].n == len(used.respondents)


def test_weights_that_weigh_nothing_are_a_fault():
    from analysis.study import StudyFaults, dump_study

    plan = json.loads(dump_study(DEMO))
    plan["analysis"]["engagement"] = {"weights": {"cognitive": 0}}
    with pytest.raises(StudyFaults, match=r"analysis\.engagement\.weights: all weights are zero"):
        parse_study(json.dumps(plan))
    plan["analysis"]["engagement"] = {"weights": {"thinking": 1}}
    with pytest.raises(StudyFaults, match="engagement"):
        parse_study(json.dumps(plan))
