"""What the report says of waves and groups, from planted answers."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import normalised
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.group_sections import group_sections
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.used import once_each, used_rows

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
PLAN = DEMO.analysis.model_copy(update={"groups": ("visits",)})
STUDY = DEMO.model_copy(update={"analysis": PLAN})


def sections(change=lambda answers, people: answers):
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=400, respondents=240)
    archive = normalised(archive_of(company, STUDY))
    people = archive.respondents.copy()
    people["wave"] = ["2025" if n % 2 else "2026" for n in range(len(people))]
    archive = replace(archive, respondents=people, answers=change(archive.answers.copy(), people))
    used = used_rows(archive)
    return {s.id: s for s in group_sections(used, rating_parts(used).answered)}


def test_a_panel_is_one_person_each_over_all_waves_and_two_answers_between_them():
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=200, respondents=120)
    archive = normalised(archive_of(company, STUDY))
    done = archive.respondents[archive.respondents["completed"] != ""].reset_index(drop=True)
    places = range(len(done))
    done["wave"] = ["2025" if n % 2 else "2026" for n in places]
    done["customer"] = [f"c{n // 2}" for n in places]
    used = once_each(used_rows(replace(archive, respondents=done)))
    customers = (len(done) + 1) // 2
    found = rating_parts(used)
    assert found.nps.estimate.n == customers
    (waves,) = [s for s in group_sections(used, found.answered) if s.id == "waves"]
    nps = waves.tables[0].rows[0]
    assert (nps[1].n, nps[2].n) == (len(done) // 2, customers)
    assert f"{len(done) // 2} customers in both" in nps[3].method


def everybody_recommends_in_2026(answers, people):
    late = set(people.loc[people["wave"] == "2026", "respondent"])
    question = STUDY.recommendation().id
    answers.loc[(answers["question"] == question) & answers["respondent"].isin(late), "value"] = (
        "10"
    )
    return answers


@pytest.fixture(scope="module")
def by_chance():
    return sections()


def test_waves_that_differ_by_chance_are_not_called_a_change(by_chance):
    waves = by_chance["waves"]
    assert waves.title == "Nothing has changed for certain since 2025"
    assert {row[-1] for row in waves.tables[0].rows} == {"no change for certain"}


def test_a_planted_change_is_named_and_nothing_else():
    waves = sections(everybody_recommends_in_2026)["waves"]
    assert waves.title == "Since 2025, higher: Net Promoter Score"
    for row in waves.tables[0].rows:
        assert row[3].clear_of_zero == (row[-1] in ("higher", "lower")), row[0]
        assert f"simultaneous over {len(waves.tables[0].rows)} comparisons" in row[3].method
    nps = waves.tables[0].rows[0]
    assert nps[2].value == 100
    assert nps[3].value == pytest.approx(100 - nps[1].value)


def test_groups_stand_in_the_order_of_the_study(by_chance):
    """Not by the alphabet, which puts the rarest between the others."""
    for table in by_chance["groups_visits"].tables:
        assert table.columns[1:-1] == (
            "Every week or more", "One to three times a month", "Less than once a month",
        )  # fmt: skip


def test_groups_of_the_plan_show_every_figure_and_every_question(by_chance):
    found = by_chance["groups_visits"]
    labels = [row[0] for row in found.tables[0].rows]
    assert labels[0] == "Net Promoter Score"
    assert "Benefits less costs" in labels
    assert len(found.tables[0].columns) == 5
    asked = {question.id for question in STUDY.questions()}
    assert len(found.tables) > len(asked) / 2
