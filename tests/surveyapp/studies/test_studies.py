"""The researcher's pages."""

import io
import json

import pytest
import yaml

from analysis.study import dump_study
from surveyapp.jobs.worker import Worker
from surveyapp.store import answers, links, respondents, studies
from surveyapp.studies.preview import every_step
from tests import builders
from tests.surveyapp.people import logged_in

BROKEN = (
    builders.PASTRY.read_text()
    .replace("kind: nps", "kind: npx")
    .replace("show_if: recommend <= 6", "show_if: recomend <= 6")
)


@pytest.fixture
def researcher(app):
    return logged_in(app, "researcher")


def test_without_a_study_one_action_is_offered(researcher):
    page = researcher.get("/studies/").text
    assert "No study yet" in page
    assert page.count("button-primary") == 1


def test_every_fault_is_listed_and_the_text_is_kept(researcher):
    reply = researcher.post("/studies/new", text=BROKEN)
    assert reply.status_code == 400
    assert "2 faults in the study file" in reply.text
    assert "recomend &lt;= 6" in reply.text
    assert reply.text.count("<code>pages[") == 2
    assert "Line " in reply.text


def test_a_file_can_be_uploaded_and_an_unreadable_one_is_answered(researcher):
    garbage = {"file": (io.BytesIO(b"\xff\xfe\x00study"), "x.yaml")}
    assert researcher.post("/studies/new", **garbage).status_code == 400
    good = {"file": (io.BytesIO(builders.PASTRY.read_bytes()), "study.yaml")}
    reply = researcher.post("/studies/new", **good)
    assert reply.headers["Location"] == "/studies/pastry/"
    assert "Our pastry shop" in researcher.get("/studies/").text
    taken = researcher.post("/studies/new", text=builders.PASTRY.read_text())
    assert "There is already a study" in taken.text


def test_a_draft_with_faults_does_not_replace_the_stored_one(app, researcher):
    builders.publish(app)
    assert researcher.post("/studies/pastry/draft", text=BROKEN).status_code == 400
    with builders.store_of(app).read() as c:
        assert studies.get(c, "pastry").draft == dump_study(builders.pastry())
    other = builders.PASTRY.read_text().replace("study: pastry", "study: bakery")
    assert "of the study" in researcher.post("/studies/pastry/draft", text=other).text


def test_every_page_is_previewed_and_nothing_is_saved(app, researcher):
    researcher.post("/studies/new", text=builders.PASTRY.read_text())
    count = len(every_step(builders.pastry()))
    for number in range(1, count + 1):
        page = researcher.get(f"/studies/pastry/preview/{number}")
        assert page.status_code == 200
        assert "nothing is stored" in page.text
        assert "csrf_token" not in page.text
    assert researcher.get(f"/studies/pastry/preview/{count + 1}").status_code == 404
    with builders.store_of(app).read() as c:
        assert list(respondents.of_study(c, "pastry")) == []
        assert list(answers.of_study(c, "pastry")) == []


def test_a_study_without_exercise_is_published_at_once(app, researcher):
    text = dump_study(
        builders.small_study(
            "  - {id: start, questions: [{id: ok, kind: consent, text: 'Do you agree?'}]}\n"
        )
    )
    researcher.post("/studies/new", text=text)
    assert researcher.post("/studies/small/publish").headers["Location"] == "/studies/small/"
    with builders.store_of(app).read() as c:
        assert studies.get(c, "small").version == 1


def test_a_draft_that_cannot_be_fielded_is_not_published(app, researcher):
    text = dump_study(
        builders.small_study(
            "  - {id: start, questions: [{id: a, kind: short_text, text: 'Your name?'}]}\n"
        )
    )
    researcher.post("/studies/new", text=text)
    researcher.post("/studies/small/publish")
    page = researcher.get("/studies/small/").text
    assert "no question asks for consent" in page
    with builders.store_of(app).read() as c:
        assert studies.get(c, "small").version is None


def test_publishing_makes_the_choice_tasks_in_a_job(app, researcher, tmp_path):
    researcher.post("/studies/new", text=builders.PASTRY.read_text())
    first = researcher.post("/studies/pastry/publish").headers["Location"]
    second = researcher.post("/studies/pastry/publish").headers["Location"]
    assert first == second
    assert "Waiting" in researcher.get(first).text
    store = builders.store_of(app)
    assert Worker(builders.make_settings(tmp_path), store).run_one()
    assert "Done" in researcher.get(first).text
    with store.read() as c:
        tasks = studies.all_tasks(c, "pastry", 1)
    exercise = builders.pastry().choice_exercise()
    assert len(tasks) == exercise.design.blocks * (exercise.tasks + exercise.holdouts)
    assert {len(task.alternatives) for task in tasks} == {exercise.alternatives}
    holdouts = {t.alternatives for t in map(_plain, tasks) if t.role == "holdout"}
    assert len(holdouts) == exercise.holdouts


def _plain(task):
    from dataclasses import replace

    return replace(task, alternatives=tuple(str(sorted(a.items())) for a in task.alternatives))


def test_personal_links_are_shown_once_and_customers_are_stored_as_keys(app, researcher):
    builders.publish(app)
    sent = {"customers": "email\nann@example.org\nBob@example.org\nann@example.org\n"}
    reply = researcher.post("/studies/pastry/links/personal", run_kind="live", **sent)
    rows = [line.split(",") for line in reply.text.splitlines()]
    assert [row[0] for row in rows] == ["customer", "ann@example.org", "Bob@example.org"]
    path = rows[1][1].split("8000")[1]
    assert app.test_client().get(path).status_code == 200
    again = researcher.post("/studies/pastry/links/personal", run_kind="live", **sent).text
    assert again.count("was invited before") == 2
    with builders.store_of(app).read() as c:
        stored = links.of_study(c, "pastry", "personal")
    assert len(stored) == 2
    assert not any("ann" in str(link) for link in stored)


def test_an_open_link_can_be_made_and_revoked(app, researcher):
    builders.publish(app)
    researcher.post("/studies/pastry/links/open", run_kind="live", expires="2099-12-31")
    with builders.store_of(app).read() as c:
        (link,) = links.of_study(c, "pastry", "open")
    assert f"/s/{link.slug}" in researcher.get("/studies/pastry/links").text
    assert "Start" in app.test_client().get(f"/s/{link.slug}").text
    researcher.post(f"/studies/pastry/links/{link.link}/revoke")
    assert "no longer valid" in app.test_client().get(f"/s/{link.slug}").text


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"expires": "2020-01-01"}, "is over"),
        ({"expires": "soon"}, "is not a date"),
        ({"run_kind": "dress"}, "for live answers, for tests"),
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"opens": "2090-02-01", "expires": "2090-01-01"}, "before the first"),
        ({"panel": "x"}, "no such panel"),
        ({"wave": "spring"}, "There is no wave"),
    ],
)
def test_links_on_wrong_terms_are_refused(app, researcher, sent, said):
    builders.publish(app)
    reply = researcher.post("/studies/pastry/links/open", **{"run_kind": "live", **sent})
    assert (reply.status_code, said in reply.text) == (400, True)


def test_links_of_another_study_cannot_be_revoked_through_this_one(app, researcher):
    builders.publish(app)
    builders.publish(app, builders.small_study("  - {id: a, text: Hello}\n"))
    builders.open_link(app)
    with builders.store_of(app).read() as c:
        (link,) = links.of_study(c, "pastry")
    assert researcher.post(f"/studies/small/links/{link.link}/revoke").status_code == 404


def test_a_closed_study_takes_no_answers_until_it_is_opened(app, researcher):
    builders.publish(app)
    path = builders.open_link(app)
    researcher.post("/studies/pastry/close")
    assert "closed" in app.test_client().get(path).text
    researcher.post("/studies/pastry/open")
    assert "Start" in app.test_client().get(path).text


@pytest.mark.parametrize("raw", [b"ann\rbob\r", b"ann\nb\x00ob\n"])
def test_lists_of_customers_from_old_programs_are_read(app, researcher, raw):
    builders.publish(app)
    made = researcher.post(
        "/studies/pastry/links/personal", file=(io.BytesIO(raw), "customers.csv")
    )
    assert made.status_code == 200
    assert [line.partition(",")[0] for line in made.text.splitlines()] == ["customer", "ann", "bob"]


def test_a_list_of_customers_that_cannot_be_read_is_a_message(app, researcher):
    builders.publish(app)
    reply = researcher.post("/studies/pastry/links/personal", customers="a" * 200_000)
    assert reply.status_code == 400
    assert "cannot be read" in reply.text


def test_an_attribute_with_a_range_can_be_looked_at(researcher):
    text = builders.pastry_without_products().replace("study: pastry", "study: ranged")
    draft = yaml.safe_load(text)
    draft["exercises"][0]["attributes"].append(
        {"id": "walk", "label": "Walk", "coding": "linear", "range": {"least": 1, "greatest": 9}}
    )
    stored = researcher.post("/studies/new", text=json.dumps(draft))
    assert stored.status_code == 303, stored.text
    study = builders.parse_study(json.dumps(draft))
    place = next(n for n, step in enumerate(every_step(study), start=1) if step.task)
    page = researcher.get(f"/studies/ranged/preview/{place}")
    assert page.status_code == 200
    assert "Walk" in page.text
