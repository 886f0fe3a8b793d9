"""A page for every end, and the respondent's own results."""

import re

import pytest

from analysis.study import parse_study
from analysis.study.types import Ends
from surveyapp.bots import AnyPersona, walk
from surveyapp.respond.ends import ENDS, end_page
from tests import builders

OWN = sorted(Ends.model_fields)


@pytest.mark.parametrize("end", ENDS)
def test_every_end_has_a_page_in_every_language(app, end):
    texts = "\n".join(f"  {name}: {{en: '**{name}** en', de: '**{name}** de'}}" for name in OWN)
    study = parse_study(f"study: ends\ntitle: T\nlanguages: [en, de]\nends:\n{texts}\n")
    with app.test_request_context(headers={"Accept-Language": "de"}):
        plain, own = end_page(end), end_page(end, study)
    assert plain.count("<h1>") == 1 and '<html lang="de"' in plain
    assert ENDS[end].title not in plain, "translated"
    if end in OWN:
        assert f"<strong>{end}</strong> de" in own
    assert "<form" not in own


def test_the_study_has_a_text_for_every_end_that_a_study_can_know():
    assert set(OWN) == set(ENDS) - {
        "unpublished",
        "unknown",
        "incomplete",
        "not_yet_valid",
        "quality_out",
    }


@pytest.fixture
def assessed(app):
    study = builders.read_study(builders.SELF_ASSESSMENT)
    builders.publish(app, study)
    return study, builders.personal_link(app, study.study)


class Careful(AnyPersona):
    """Agrees to everything, and knows nothing about acting."""

    def answer(self, question, item):
        if question.kind == "matrix":
            return None if question.id == "a" else "4"
        return super().answer(question, item)


def test_results_are_shown_at_the_end_and_again_by_the_same_link(app, client, assessed):
    study, home = assessed
    walk(client, home, study, Careful(study, seed=1))
    page = app.test_client().get(home).text
    # Three items agreed with (75) and one turned round (25), or two of each: 62.5, shown as 63.
    found = re.findall(r"<strong>(\d+ of 100)</strong> <span class=\"band\">([^<]+)<", page)
    assert found == [("63 of 100", "A strength"), ("63 of 100", "A strength")]
    assert page.count("You answered too few of the questions") == 2
    assert "Share what you know" in page and "Begin with one habit" not in page
    assert re.findall(r'class="filled"[^>]* width="(\d+)"', page) == ["63", "63"]
    german = app.test_client().get(f"{home}?lang=de").text
    assert "63 von 100" in german and "Eine Stärke" in german


def test_no_results_for_those_who_did_not_complete(app, client, assessed):
    _, home = assessed
    client.post(home, data=builders.hidden_fields(client.get(home).text))
    builders.send(client, home, {"consent": "no"})
    page = client.get(home).text
    assert "You chose not to take part" in page and "of 100" not in page
