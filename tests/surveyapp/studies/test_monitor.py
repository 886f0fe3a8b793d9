"""The field monitor and the links of a study, as a researcher uses them."""

import re

from surveyapp.store import panels, studies
from tests import builders
from tests.surveyapp import people
from tests.surveyapp.respond.walks import begin

PAGES = """
  - id: about
    title: About you
    questions:
      - {id: consent, kind: consent, text: 'Take part?'}
      - {id: age, kind: number, text: Your age}
  - id: last
    title: All in all
    screen_out_if: like < 3
    questions: [{id: like, kind: nps, text: 'Recommend?'}]
"""
AT = "2026-08-31T10:00:00.000Z"


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_shows_live_answers_first_and_the_figures_come_alone_as_well(app):
    study = builders.small_study(
        PAGES,
        quotas="[{id: all, label: Everybody, limit: 4, count: starts}]",
        cells="[{id: low, label: Low price}, {id: high, label: High price}]",
    )
    builders.publish(app, study)
    builders.open_link(app, "small", slug="real", batch="spring mail")
    builders.open_link(app, "small", slug="trial", run_kind="test")
    client = app.test_client()
    for like in ("9", "1"):
        home = begin(client, "/s/real")
        builders.send(client, home, {"consent": "yes", "age": "40"})
        builders.send(client, home, {"like": like})
    begin(client, "/s/real")
    begin(client, "/s/trial")
    researcher = people.logged_in(app, "researcher")
    page = researcher.get("/studies/small/monitor")
    said = words(page.text)
    assert "Started 3" in said and "Completed 1 33% of 3" in said and "Screened out 1" in said
    assert "Everybody 1 1 4" in said and "n = 1 completed" in said
    assert "spring mail (open) 1 3 1" in said and "Low price" in said
    assert "the newest 3 who started" in said and 'src="/static/monitor.js"' in page.text
    alone = researcher.get("/studies/small/monitor/figures?run_kind=test").text
    assert "Started 1" in words(alone) and "<html" not in alone
    assert "Started 1" in words(researcher.get("/studies/small/monitor?run_kind=test").text)
    assert "Started 3" in words(researcher.get("/studies/small/monitor?run_kind=nonsense").text)


def test_a_study_that_nobody_can_answer_has_nothing_to_watch(app):
    with builders.store_of(app).write() as c:
        studies.save_draft(c, "small", "Small", "", at=AT)
    researcher = people.logged_in(app, "researcher")
    for path in ("/studies/small/monitor", "/studies/small/monitor/figures"):
        assert "not published yet" in researcher.get(path).text


def test_links_and_panels_are_made_and_ended_on_the_page(app):
    builders.publish(app, builders.small_study(PAGES))
    researcher = people.logged_in(app, "researcher")
    made = researcher.post(
        "/studies/small/links/one-time", number="3", batch="flyer", opens="2090-01-01",
        expires="2090-01-31", zone="Europe/Berlin", run_kind="live",
    )  # fmt: skip
    assert made.mimetype == "text/csv" and made.text.count("/a/") == 3
    waiting = app.test_client().get("/a/" + made.text.split("/a/")[1].split(",")[0])
    assert waiting.status_code == 410 and "cannot be used yet" in waiting.text
    panel = {
        "name": "Good Panel", "parameters": "pid, src", "complete": "https://p.example/?p={pid}",
    }  # fmt: skip
    assert researcher.post("/studies/small/panels", **panel).status_code == 303
    wrong = researcher.post("/studies/small/panels", **{**panel, "complete": "http://{x}"})
    assert wrong.status_code == 400
    assert "must start with https://" in wrong.text and "no placeholder {x}" in wrong.text
    with builders.store_of(app).read() as c:
        stored = panels.named(c, "small", "Good Panel")
    researcher.post("/studies/small/links/open", panel=stored.panel, run_kind="live")
    page = researcher.get("/studies/small/links").text
    assert "?pid=&amp;src=" in page and "3 not yet valid" in page and stored.secret in page
    researcher.post("/studies/small/links/revoke-batch", batch="flyer")
    assert "3 revoked" in researcher.get("/studies/small/links").text
    assert "no longer valid" in app.test_client().get(waiting.request.path).text


def test_a_number_of_links_that_cannot_be_made_is_refused(app):
    builders.publish(app, builders.small_study(PAGES))
    researcher = people.logged_in(app, "researcher")
    for number in ("", "0", "-1", "many", "1e3", "100001"):
        reply = researcher.post("/studies/small/links/one-time", number=number, run_kind="live")
        assert reply.status_code == 400 and "links" in reply.text
