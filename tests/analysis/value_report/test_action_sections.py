"""Segments, strategies and measured effects in a report."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.customers.actions.evidence import Answers
from analysis.customers.actions.in_money import Margin
from analysis.customers.actions.planned import Measured, TestPlan
from analysis.customers.actions.strategies import Strategy
from analysis.customers.segments.needs import adjusted_rand
from analysis.customers.segments.tiers import value_tiers
from analysis.estimate import Estimate
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.action_sections import _recommended
from analysis.value_report.action_tables import Effects, Members, advice_section
from analysis.value_report.build import build_report

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
STUDY = DEMO.model_copy(update={"analysis": DEMO.analysis.model_copy(update={"estimator": "mnl"})})
EFFECT = Estimate(value=4.25, low=1.5, high=7.0, n=300, method="by lot", unit="USD")


@pytest.fixture(scope="module")
def archive():
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=700, respondents=150)
    return archive_of(company, STUDY)


@pytest.fixture(scope="module")
def report(archive):
    return build_report(archive, seed=1)


def by_lot(effect: Estimate | None) -> Measured:
    plan = TestPlan(
        name="autumn", what="A letter", strategy="win_back", decided_by="A. Baker",
        decided_on=date(2026, 1, 1), began=date(2026, 1, 8), weeks=13, outcome="spend",
        smallest=5.0, power=0.8, error=0.05, control_share=0.5, seed=1, adjusted=True, contact=150,
        control=150, needed=280, needed_method="two means", list_sha256="0",
    )  # fmt: skip
    return Measured(plan=plan, effect=effect)


def cells(report, section):
    found = next(s for s in report.sections if s.id == section)
    return [cell for table in found.tables for row in table.rows for cell in row]


def test_a_measured_effect_replaces_no_measured_effect_yet(archive):
    before = build_report(archive, seed=1, tests=[by_lot(None)])
    assert EFFECT not in cells(before, "what_to_do")
    assert "no measured effect yet" in cells(before, "tests")
    after = build_report(archive, seed=1, tests=[by_lot(EFFECT)])
    assert EFFECT in cells(after, "tests")
    win_back = [a for a in after.actions if "declining" in a.title]
    assert "+4.25 (+1.50 to +7.00) USD" in win_back[0].evidence


def test_supported_strategies_have_a_row_in_money():
    """300 customers at 4.25 each, and half of it; nothing for no act and for leaving alone."""
    answers = Answers(
        STUDY, pd.DataFrame(), pd.Series(dtype=float), pd.Series(dtype=float), 0.05, "USD"
    )
    segment = pd.Series("gold", index=[f"c{n}" for n in range(300)])
    cut = Members.of("value", segment, pd.Series(dtype=str))
    advice = [
        Strategy("gold", "win_back", (), (), None),
        Strategy("silver", None, (), (), None),
        Strategy("bronze", "leave_alone", (), (), None),
    ]
    effects = Effects([by_lot(EFFECT)], None, Margin(0.5, "stated"))
    section = advice_section(answers, [cut], [advice], effects)
    (table,) = [t for t in section.tables if t.id == "expected_value"]
    ((name, title, customers, revenue, profit),) = table.rows
    assert (name, title, customers) == ("gold", "Win-back", 300)
    assert (revenue.value, revenue.low, revenue.high) == (1275.0, 450.0, 2100.0)
    assert (profit.value, profit.low, profit.high) == (637.5, 225.0, 1050.0)
    nothing = advice_section(answers, [cut], [advice[1:]], effects)
    assert [t.id for t in nothing.tables] == ["advice_value"]


def advice(report, table="advice_value"):
    found = next(s for s in report.sections if s.id == "what_to_do")
    return {row[0]: row for row in next(t for t in found.tables if t.id == table).rows}


def test_quality_felt_below_what_was_expected_supports_a_better_product(report):
    """The archive's people expected more of quality than they feel, in every tier."""
    rows = advice(report)
    improved = [row for row in rows.values() if "product improvement" in str(row[2]).lower()]
    assert improved
    assert all("Quality you can rely on felt below what was expected" in row[3] for row in improved)


def test_no_tier_is_called_declining_for_having_fallen_into_it(report):
    """Nobody declines, yet whoever happened to buy less has fewer points and a lower tier."""
    assert not [row for row in advice(report).values() if "win-back" in str(row[2]).lower()]
    said = next(s for s in report.sections if s.id == "what_to_do").text
    assert "falls into a lower tier" in said[0]


def test_spend_is_said_to_be_of_those_it_is_of(report):
    """By value the mean is over every customer of the ledger, not over those who answered."""
    section = next(s for s in report.sections if s.id == "segments")
    by_value = next(t for t in section.tables if t.id == "segments_value")
    assert by_value.note == "Spend is that of all customers of a segment in the last 52 weeks."
    assert all(row[1] == row[2].n for row in by_value.rows)


def test_money_that_no_test_has_measured_is_one_sentence_and_not_a_table_of_it(report):
    section = next(s for s in report.sections if s.id == "what_to_do")
    assert not [t for t in section.tables if t.id.startswith("expected_")]
    assert any("unknown, not zero: no test by lot" in text for text in section.text)


def test_customers_of_every_recommendation_are_listed():
    """By each supported family, and nobody where nothing is to be done."""
    segment = pd.Series("gold", index=[f"c{n}" for n in range(12)])
    cut = Members.of("value", segment, pd.Series(dtype=str))
    both = Strategy("gold", "win_back", ("personalisation",), (), None)
    found = _recommended([cut], [[both]])
    assert found.groupby(["cut", "segment", "strategy"]).size().to_dict() == {
        ("value", "gold", "win_back"): 12,
        ("value", "gold", "personalisation"): 12,
    }
    idle = [Strategy("gold", "leave_alone", (), (), None), Strategy("gold", None, (), (), None)]
    assert _recommended([cut], [idle]) is None


def test_tiers_keep_ties_together():
    points = pd.Series([100.0] * 2 + [10.0] * 10 + [5.0] * 8 + [0.0])
    tier = value_tiers(points)
    assert set(tier[points == 100]) == {"platinum"}
    assert set(tier[points == 0]) == {"inactive"}
    assert tier[points > 0].groupby(points[points > 0]).nunique().max() == 1


def test_adjusted_rand_as_published():
    """Hubert and Arabie's index of a known pair: scikit-learn's documented example, 0.57."""
    assert adjusted_rand([0, 0, 1, 2], [0, 0, 1, 1]) == pytest.approx(0.5714, abs=1e-4)
    assert adjusted_rand([0, 0, 1, 1], [1, 1, 0, 0]) == 1.0
