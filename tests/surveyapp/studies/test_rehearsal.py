"""The researcher's rehearsal: from the study's page to a published or refused draft."""

import pytest

from analysis.study import dump_study
from surveyapp.jobs.worker import Worker
from surveyapp.store import studies
from tests import builders
from tests.surveyapp.people import logged_in

REASON = "Only sixty customers exist, and all of them are asked."


@pytest.fixture
def researcher(app):
    return logged_in(app, "researcher")


def test_the_button_starts_one_job_and_its_page_leads_to_the_result(app, researcher):
    researcher.post("/studies/new", text=builders.PASTRY.read_text())
    assert "Rehearse</button>" in researcher.get("/studies/pastry/").text
    assert researcher.get("/studies/pastry/rehearsal").status_code == 404
    first = researcher.post("/studies/pastry/rehearse").headers["Location"]
    assert first == researcher.post("/studies/pastry/rehearse").headers["Location"]
    page = researcher.get(first).text
    assert "Rehearsal of Our pastry shop" in page
    assert "Cancel" in page


def test_a_study_that_cannot_is_not_published_without_a_reason(app, researcher, tmp_path):
    builders.save_rehearsed(app, builders.tight_study())
    page = researcher.get("/studies/tight/").text
    assert "Cannot reach its targets" in page
    assert "Publish version" not in page
    sent = researcher.post("/studies/tight/publish")
    assert sent.headers["Location"] == "/studies/tight/rehearsal"
    page = researcher.get("/studies/tight/rehearsal").text
    assert "cannot reach its targets" in page
    assert "despite the rehearsal" in page
    empty = researcher.post("/studies/tight/publish-despite", reason="no")
    assert empty.status_code == 400
    assert "Write the reason in a sentence" in empty.text
    job = researcher.post("/studies/tight/publish-despite", reason=REASON).headers["Location"]
    store = builders.store_of(app)
    assert Worker(builders.make_settings(tmp_path), store).run_one()
    assert "Done" in researcher.get(job).text
    with store.read() as c:
        assert studies.version(c, "tight", 1).despite == REASON
    assert REASON in researcher.get("/studies/tight/").text


def test_a_changed_draft_needs_a_new_rehearsal(app, researcher):
    builders.save_rehearsed(app, builders.tight_study())
    changed = dump_study(builders.tight_study()).replace('"respondents": 60', '"respondents": 900')
    researcher.post("/studies/tight/draft", text=changed)
    page = researcher.get("/studies/tight/").text
    assert "The draft has changed since the rehearsal" in page
    assert "Publish version 1" in page
    page = researcher.get("/studies/tight/rehearsal").text
    assert "it says nothing about the present one" in page
    assert "despite the rehearsal" not in page


def test_the_page_shows_levels_by_their_labels_and_every_world(app, researcher):
    builders.save_rehearsed(app, builders.pastry(), repeats=5)
    page = researcher.get("/studies/pastry/rehearsal").text
    assert "Baked yesterday → Baked this morning" in page
    assert "20 % of respondents choose at random" in page
    assert "Orme" in page


def test_a_draft_with_faults_or_without_an_exercise_is_not_rehearsed(app, researcher):
    builders.publish(app, builders.small_study("  - {id: a, text: Hello}\n"))
    assert "Rehearse</button>" not in researcher.get("/studies/small/").text
    sent = researcher.post("/studies/small/rehearse")
    assert sent.headers["Location"] == "/studies/small/"
    with builders.store_of(app).write() as c:
        studies.save_draft(c, "small", "Small", "study: [", at="2026-01-01")
    assert researcher.post("/studies/small/rehearse").headers["Location"] == "/studies/small/"
    assert researcher.post("/studies/small/publish-despite", reason=REASON).status_code == 303


@pytest.mark.parametrize("path", ["rehearse", "publish-despite"])
def test_managers_may_not_and_forms_need_their_token(app, researcher, path):
    builders.save_rehearsed(app, builders.tight_study(), repeats=3)
    manager = logged_in(app, "manager")
    assert manager.get("/studies/tight/rehearsal").status_code == 403
    assert manager.post(f"/studies/tight/{path}").status_code == 403
    assert app.test_client().get("/studies/tight/rehearsal").status_code == 303
    assert researcher.client.post(f"/studies/tight/{path}").status_code == 400


def test_what_cannot_be_rehearsed_is_said_and_published_without(app, researcher):
    text = builders.ALL_KINDS.read_text()
    researcher.post("/studies/new", text=text)
    page = researcher.get("/studies/all_kinds/").text
    assert "&#39;coffee&#39; (choices), &#39;matters&#39; (best-worst sets)" in page
    assert "Rehearse</button>" in page
    only = text.replace("analysis:\n  exercise: cake", "analysis:\n  exercise: matters")
    researcher.post("/studies/all_kinds/draft", text=only)
    page = researcher.get("/studies/all_kinds/").text
    assert "Publishing does not ask for it" in page
    assert "Rehearse</button>" not in page
    assert researcher.post("/studies/all_kinds/rehearse").headers["Location"].endswith("all_kinds/")
    assert "Nothing to rehearse" in researcher.get("/studies/all_kinds/").text
