"""Shares that depend on a tag or on the prices tested say so."""

from datetime import date
from pathlib import Path

import pytest

from analysis.choices.importances import importances
from analysis.choices.mnl import fit_mnl
from analysis.choices.willingness_to_pay import money_value_of_tag
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.tables import check_choices
from analysis.value_report.from_logit import FromLogit
from analysis.value_report.sensitivity import of_prices, of_tags

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def fitted():
    study = read_study(ROOT / "examples/pastry/study.yaml")
    company = pastry_company(study, seed=3, today=date(2026, 11, 22), buyers=150, respondents=80)
    archive = archive_of(company, study)
    return fit_mnl(study, check_choices(archive.choices["bun"], study.choice_exercise()))


def test_a_contestable_tag_is_turned(fitted):
    said = of_tags(fitted.coding, FromLogit(fitted, 1).tag_figures())
    # Only the pineapple may be argued about; as functional it leaves the look alone as emotional.
    assert "“Pineapple pieces”" in said
    assert "counted as functional" in said
    assert "Look" not in said
    assert "emotional upgrades at" in said
    assert money_value_of_tag(fitted, "emotional").upgrades[0].attribute == "pineapple"


def test_the_price_decides_less_over_half_its_range(fitted):
    share = next(i for i in importances(fitted, seed=1) if i.attribute == "price").estimate.value
    half = share / 2 / (1 - share / 2)
    said = of_prices(fitted.coding, FromLogit(fitted, 1).tag_figures())
    assert said.endswith(f"{half:.0%} in place of {share:.0%}.")
