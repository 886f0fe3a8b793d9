from datetime import date
from pathlib import Path

import pytest

from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.generic import any_company

EXAMPLES = Path(__file__).parents[3] / "examples"
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("name", ["pastry", "all-kinds"])
def test_any_study_is_answered_to_its_end_with_accepted_answers(name):
    study = read_study(EXAMPLES / name / "study.yaml")
    archive = archive_of(any_company(study, seed=1, today=TODAY, respondents=20), study)
    assert (archive.respondents["ended"] != "").all()
    for row in archive.answers[archive.answers["status"] == "answered"].to_dict("records"):
        question = study.question(row["question"])
        points = len(study.scale(question))
        assert question.fault(row["item"], row["value"], scale_points=points) is None
    assert archive.customers.empty


def test_questions_off_the_way_were_not_asked():
    study = read_study(EXAMPLES / "pastry" / "study.yaml")
    archive = archive_of(any_company(study, seed=1, today=TODAY, respondents=40), study)
    rows = archive.answers.set_index(["respondent", "question", "item"])
    for respondent in archive.respondents["respondent"]:
        score = int(rows.loc[(respondent, "recommend", ""), "value"])
        asked = rows.loc[(respondent, "complaint", ""), "status"] != "not_asked"
        assert asked == (score <= 6)
