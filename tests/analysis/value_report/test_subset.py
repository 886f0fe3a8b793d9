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
from analysis.value_report.used import answered_again, once_each, used_rows

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


def panel(used, again):
    """The first customers answered both waves; the others one of them."""
    names = [f"c{n % 50}" if n % 50 < again else f"x{n}" for n in range(100)]
    people = used.respondents.assign(
        wave=["w1"] * 50 + ["w2"] * 50,
        customer=names,
        completed=[f"2026-0{1 + n // 50}-01T00:00:00+00:00" for n in range(100)],
    )
    return replace(used, respondents=people)


def test_a_customer_who_answered_twice_is_one_person_in_figures_over_all_waves(everybody):
    both = panel(everybody, 20)
    once = once_each(both)
    assert len(once.respondents) == 80
    assert not once.respondents["customer"].duplicated().any()
    assert (once.respondents["wave"] == "w2").sum() == 50
    assert set(once.answers["respondent"]) == set(once.respondents["respondent"])
    assert "20 earlier answers of customers who answered again" in once.excluded
    assert len(once.waves.respondents) == 100
    assert len(once.without(frozenset(once.respondents["respondent"][:5]), "flagged").waves
               .respondents) == 95  # fmt: skip
    (said,) = answered_again(once)
    assert said.startswith("20 customers answered more than one wave")


def test_where_nobody_answered_again_nothing_is_left_out(everybody):
    apart = panel(everybody, 0)
    assert once_each(apart) is apart
    assert answered_again(apart) == ()


def test_segments_of_a_weighted_report_say_that_they_are_not_weighted(everybody):
    section = Section(id="segments", title="S", method="segments", caution="Stated.")
    even = replace(everybody, weights=None)
    assert _as_weighted(even, section) == section
    weights = everybody.respondents.set_index("respondent")["weight"]
    weighted = _as_weighted(replace(everybody, weights=weights), section)
    assert weighted.caution.startswith("Stated. Segments are described and tested without weights")
