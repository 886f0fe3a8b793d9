"""Reports on some respondents give nobody away, not even by subtraction."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import normalised
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.action_sections import _as_weighted
from analysis.value_report.section import Section
from analysis.value_report.subset import SubsetFault, narrowed, parse_groups
from analysis.value_report.used import answered_again, used_rows

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


@pytest.fixture(scope="module")
def everybody():
    company = pastry_company(DEMO, seed=2, today=date(2026, 11, 22), buyers=300, respondents=130)
    used = used_rows(normalised(archive_of(company, DEMO)))
    return replace(used, respondents=used.respondents[:100])


def with_facts(used, *, cells, waves=()):
    """The first respondents in these cells (and waves), by name and number."""
    facts = {"cell": cells, "wave": waves or {"w": 100}}
    columns = {
        fact: [name for name, n in counts.items() for _ in range(n)]
        for fact, counts in facts.items()
    }
    return replace(used, respondents=used.respondents.assign(**columns))


def asked(used, *groups):
    return len(narrowed(used, parse_groups(groups)).respondents)


def test_two_large_groups_beside_a_small_one_cannot_both_be_reported(everybody):
    """Everybody less a less b would be the five of c."""
    used = with_facts(everybody, cells={"a": 60, "b": 35, "c": 5})
    assert asked(used, "cell=a") == 60
    with pytest.raises(SubsetFault, match="would give away"):
        asked(used, "cell=b")
    with pytest.raises(SubsetFault, match="in this group"):
        asked(used, "cell=c")


def test_small_groups_that_are_ten_together_hide_one_another(everybody):
    used = with_facts(everybody, cells={"a": 50, "b": 38, "c": 5, "d": 7})
    assert (asked(used, "cell=a"), asked(used, "cell=b")) == (50, 38)


def test_a_group_within_a_group_is_taken_away_from_it(everybody):
    """Wave w has 55 of cell a and 5 of b: its report less that of a would be the five."""
    waves = {"w": 60, "x": 40}
    used = with_facts(everybody, cells={"a": 55, "b": 45}, waves=waves)
    assert asked(used, "wave=w") == 60
    with pytest.raises(SubsetFault, match="outside this group"):
        asked(used, "wave=w", "cell=a")


def test_a_customer_of_two_waves_is_told_of_and_one_of_a_single_wave_is_not(everybody):
    people = everybody.respondents.assign(
        wave=["w1", "w2"] * 50, customer=["both", "both", *(f"c{n}" for n in range(98))]
    )
    (said,) = answered_again(replace(everybody, respondents=people))
    assert said.startswith("One customer answered in more than one wave")
    assert "too narrow" in said
    first = people[people["wave"] == "w1"]
    assert answered_again(replace(everybody, respondents=first)) == ()


def test_segments_of_a_weighted_report_say_that_they_are_not_weighted(everybody):
    section = Section(id="segments", title="S", method="segments", caution="Stated.")
    even = replace(everybody, weights=None)
    assert _as_weighted(even, section) == section
    weights = everybody.respondents.set_index("respondent")["weight"]
    weighted = _as_weighted(replace(everybody, weights=weights), section)
    assert weighted.caution.startswith("Stated. Segments are described and tested without weights")
