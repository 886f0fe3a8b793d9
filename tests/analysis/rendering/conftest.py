from datetime import date
from pathlib import Path

import pytest

from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.build import build_report

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


@pytest.fixture(scope="session")
def report():
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=500, respondents=120)
    return build_report(archive_of(company, STUDY), seed=1)
