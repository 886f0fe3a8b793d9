"""The report says where choices, answers and purchases disagree, and where they cannot tell."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analysis.estimate import Estimate
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.agreement_section import agreement_section
from analysis.value_report.choice_parts import ChoiceParts
from analysis.value_report.customer_parts import CustomerParts, customer_parts
from analysis.value_report.driver_sections import outcomes_of
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.used import used_rows

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


@pytest.fixture(scope="module")
def joined():
    company = pastry_company(STUDY, seed=4, today=date(2026, 11, 22), buyers=300, respondents=120)
    used = used_rows(archive_of(company, STUDY))
    ratings = rating_parts(used)
    return used, ratings.answered, customer_parts(used, ratings)


def worth(value):
    made = Estimate(value=value, low=value - 0.1, high=value + 0.1, n=120, method="m", unit="USD")
    return ChoiceParts(tag_difference=made)


def feelings_decide(used, scores):
    """The same people, whose verdict goes with pleasure and with nothing else."""
    (_, outcome), *_ = outcomes_of(used, scores)
    noise = np.random.default_rng(1).normal(0, 1, len(scores))
    return scores.assign(**{"pleasure.perceived": 10 * outcome.reindex(scores.index) + noise})


def says(section):
    return [row[-1] for row in section.tables[0].rows]


def test_a_disagreement_is_the_title_and_names_both_sides(joined):
    used, scores, customers = joined
    scores = feelings_decide(used, scores)
    found = agreement_section(used, scores, worth(0.4), customers, seed=1)
    assert "disagree" in found.title
    assert says(found)[:2] == ["functional", "emotional"]
    assert any("Choices" in words and "functional" in words for words in found.text)
    assert any("Answers" in words and "emotional" in words for words in found.text)


def test_constructs_of_attributes_are_compared_pair_by_pair(joined):
    used, scores, customers = joined
    scores = feelings_decide(used, scores)
    apart = {("pleasure", "quality"): worth(-0.4).tag_difference,
             ("quality", "price_burden"): worth(0.0).tag_difference}  # fmt: skip
    choices = replace(worth(0.0), construct_differences=apart)
    found = agreement_section(used, scores, choices, customers, seed=1)
    looks, pairs = found.tables
    assert [row[0] for row in pairs.rows] == [
        "Pleasure and good feelings against Quality you can rely on",
        "Quality you can rely on against Price felt as a burden",
    ]
    choice, answer, purchases, told = pairs.rows[0][1:]
    assert told == "disagree"
    assert choice.high < 0 < answer.low
    assert purchases.available
    assert "disagree on a pair of constructs" in found.title
    assert any("choices say Quality" in words for words in found.text)
    # three comparisons: the two pairs, and functional against emotional value
    for estimate in (choice, answer, purchases, looks.rows[0][1]):
        assert "simultaneous over 3 comparisons" in estimate.method


def test_a_pair_that_is_the_whole_comparison_is_not_counted_twice(joined):
    used, scores, customers = joined
    linked = {"pineapple": "pleasure", "look": "pleasure", "freshness": "quality",
              "packaging": "quality"}  # fmt: skip
    exercise = used.study.choice_exercise()
    attributes = tuple(
        a.model_copy(update={"measured_by": linked.get(a.id)}) for a in exercise.attributes
    )
    exercises = (exercise.model_copy(update={"attributes": attributes}),)
    study = used.study.model_copy(update={"exercises": exercises})
    choices = replace(
        worth(0.4), construct_differences={("pleasure", "quality"): worth(-0.4).tag_difference}
    )
    found = agreement_section(replace(used, study=study), scores, choices, customers, seed=1)
    assert len(found.tables) == 1
    assert "simultaneous" not in found.tables[0].rows[0][1].method


def test_agreement_names_what_carries_more(joined):
    used, scores, _ = joined
    scores = feelings_decide(used, scores)
    found = agreement_section(used, scores, worth(-0.4), CustomerParts(), seed=1)
    assert found.title.endswith("emotional value carries more")
    assert len(says(found)) == 2


def test_one_look_alone_is_no_agreement(joined):
    used, scores, _ = joined
    found = agreement_section(
        used, feelings_decide(used, scores), worth(0.0), CustomerParts(), seed=1
    )
    assert found.title.startswith("Only one of")


def test_with_one_look_there_is_no_section(joined):
    used, scores, _ = joined
    assert agreement_section(used, scores, ChoiceParts(), CustomerParts(), seed=1) is None
