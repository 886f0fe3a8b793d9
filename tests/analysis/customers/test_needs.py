"""Planted segments by need: found again where they differ clearly, said to be a range elsewhere."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd

from analysis.customers.actions.evidence import Answers
from analysis.customers.segments.money import money_of_segments
from analysis.customers.segments.needs import adjusted_rand, needs_segments
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import ChoiceTruth
from analysis.synthetic.planted import PlantedTruth, planted_company
from analysis.tables import check_choices
from analysis.value_report.action_tables import segment_section

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
LEVELS = (
    ("pineapple", "cream"),
    ("pineapple", "cream_top"),
    ("look", "decorated"),
    ("freshness", "morning"),
    ("packaging", "box"),
)


def tastes(worths, price):
    levels = {key: (worth, 0.2) for key, worth in zip(LEVELS, worths, strict=True)}
    return ChoiceTruth(levels=levels, price=(price, 0.5), none=(0.6, 0.4))


TREAT = tastes((0.9, 2.4, 1.2, 0.3, 0.6), -4.0)
"""Pays for what looks and tastes like a treat."""
BREAKFAST = tastes((0.2, 0.2, 0.1, 2.6, 0.0), -9.0)
"""Pays for freshness alone, and watches the price."""

WORLDS = {
    "two kinds": ((TREAT, 0.6), (BREAKFAST, 0.4)),
    "one kind": ((ChoiceTruth(), 1.0),),
}


@cache
def found(kinds, n=160):
    """Needs found in the archive of a company, and the planted segment of the same respondents.

    A third choose half as consistently, whatever they like.
    """
    truth = replace(PlantedTruth(), tastes=WORLDS[kinds])
    company = planted_company(
        DEMO, truth, seed=3, today=date(2026, 11, 22), buyers=2 * n, respondents=n
    )
    archive = archive_of(company, DEMO)
    exercise = DEMO.choice_exercise()
    needs = needs_segments(DEMO, check_choices(archive.choices[exercise.id], exercise), seed=1)
    planted = [company.truth.segment[person.customer] for person in company.respondents]
    names = archive.respondents["respondent"].astype(str)
    return needs, pd.Series(planted, index=names).reindex(needs.segment.index)


def section_of(needs):
    nobody = pd.Series(dtype=float)
    answers = Answers(DEMO, pd.DataFrame(), nobody, nobody, 0.05, "USD")
    return segment_section(answers, (), needs, money_of_segments(needs.fit, seed=1))


def test_clearly_different_segments_are_found_again():
    needs, planted = found("two kinds")
    assert needs.fit.n_classes == 2
    assert adjusted_rand(needs.segment.to_numpy(), planted.to_numpy()) > 0.8
    assert not needs.divides_a_range
    section = section_of(needs)
    assert section.title == "Customers fall into 2 segments by need"
    treat = int(needs.segment[planted == 1].mode().iloc[0])
    worth = {row[0]: row[1:] for row in section.tables[0].rows}
    fresh = next(cells for label, cells in worth.items() if "this morning" in label)
    look = next(cells for label, cells in worth.items() if "decorated" in label)
    assert fresh[2 - treat].low > fresh[treat - 1].high
    assert look[treat - 1].low > look[2 - treat].high


def test_one_kind_of_customer_is_not_said_to_fall_into_segments():
    needs, _ = found("one kind")
    title = section_of(needs).title
    assert needs.fit.n_classes == 1 or needs.divides_a_range
    assert "fall into" not in title or "do not" in title


def test_segments_that_divide_a_range_are_said_to():
    needs, _ = found("two kinds")
    range_wins = replace(needs, bic_of_a_range=needs.tried[-1].bic - 1)
    section = section_of(range_wins)
    assert section.title == "Needs range without gaps; 2 segments divide that range"
    assert any("parts of a range" in line for line in section.text)
    assert not any("parts of a range" in line for line in section_of(needs).text)
