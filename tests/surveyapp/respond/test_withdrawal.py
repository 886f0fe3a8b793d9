"""Withdrawal: every answer goes, at any time and for good, and only the count is left."""

import pytest
from sqlalchemy import func, select

from analysis.value_report.used import used_rows
from surveyapp.jobs.analyse import ledger_folder
from surveyapp.jobs.freeze import FreezeAs, collect, freeze
from surveyapp.store import links, panels, quotas, respondents
from surveyapp.store.schema import metadata
from surveyapp.studies.panel_settings import panel_of
from tests import builders
from tests.surveyapp import people
from tests.surveyapp.reports.test_reports import store_report
from tests.surveyapp.respond.walks import begin, finish

PAGES = """
  - id: one
    questions:
      - {id: consent, kind: consent, text: 'Take part?'}
      - {id: secret, kind: short_text, text: 'Say'}
  - {id: two, questions: [{id: like, kind: nps, text: 'Recommend?'}]}
"""
FIRST = {"consent": "yes", "secret": "PEAR-TREE-77"}


def page_of(home):
    return home.replace("/a/", "/withdraw/")


def withdraw(client, home):
    page = client.get(page_of(home))
    assert "Withdraw and remove my answers" in page.text
    return client.post(page_of(home), data=builders.hidden_fields(page.text), follow_redirects=True)


def stored(app, study="pastry"):
    with builders.store_of(app).read() as c:
        return list(respondents.of_study(c, study))


def rows_of(app):
    """Rows beside the respondent's own that name a respondent, by table."""
    named = [t for t in metadata.tables.values() if "respondent" in t.c and t.name != "respondents"]
    with builders.store_of(app).read() as c:
        return {t.name: c.execute(select(func.count()).select_from(t)).scalar() for t in named}


def test_after_the_end_nothing_is_left_in_any_table(app, client):
    home = begin(client, builders.personal_link(app, customer="c1"))
    end = finish(client, home)
    assert f'href="{page_of(home)}"' in end
    before = rows_of(app)
    assert before["answers"] and before["choices"] and before["pages_sent"]
    done = withdraw(client, home)
    assert "Your answers were removed" in done.text
    assert set(rows_of(app).values()) == {0}
    (person,) = stored(app)
    assert person.ended == "withdrawn" and person.withdrawn
    for kept in ("customer", "seed", "device", "parameters", "completed", "seconds", "last_at"):
        assert getattr(person, kept) is None


def test_opening_the_page_changes_nothing_and_a_forged_form_neither(app, client):
    home = begin(client, builders.personal_link(app))
    for _ in range(3):
        assert client.get(page_of(home)).status_code == 200
    refused = client.post(page_of(home), data={"csrf_token": "forged"})
    assert refused.status_code == 400 and "Nothing was changed yet" in refused.text
    assert stored(app)[0].ended is None
    assert client.get("/withdraw/guessed").status_code == 404
    assert client.post(f"{page_of(home)}/undo", data={}).status_code == 400


def test_the_link_does_not_go_on_by_itself_and_a_late_page_stores_nothing(app, client):
    builders.publish(app, builders.small_study(PAGES))
    home = begin(client, builders.open_link(app, "small", slug="s"))
    page = client.get(home, follow_redirects=True)
    assert f'href="{page_of(home)}"' in page.text
    withdraw(client, home)
    late = client.post(page.request.path, data={**builders.hidden_fields(page.text), **FIRST})
    assert late.status_code == 409
    assert "Your answers were removed" in client.get(home).text
    withdrawn = stored(app, "small")[0].withdrawn
    client.post(page_of(home), data=builders.hidden_fields(page.text))
    assert stored(app, "small")[0].withdrawn == withdrawn, "counted once"


def test_who_wishes_starts_anew_with_nothing_of_before(app, client):
    builders.publish(app, builders.small_study(PAGES))
    home = begin(client, builders.personal_link(app, "small", customer="c1"))
    builders.send(client, home, FIRST)
    page = withdraw(client, home)
    client.post(f"{page_of(home)}/undo", data=builders.hidden_fields(page.text))
    again = client.get(home, follow_redirects=True)
    assert again.request.path.endswith("/one") and FIRST["secret"] not in again.text
    builders.send(client, home, FIRST)
    assert (
        "Your answers are stored"
        in builders.send(client, home, {"like": "9"}, follow_redirects=True).text
    )
    (person,) = stored(app, "small")
    assert (person.ended, person.customer, person.withdrawn) == ("complete", "c1", None)


def test_withdrawing_works_when_link_and_study_have_ended_but_not_starting_anew(app, client):
    builders.publish(app, builders.small_study(PAGES))
    home = begin(client, builders.personal_link(app, "small"))
    builders.send(client, home, FIRST)
    with builders.store_of(app).write() as c:
        (link,) = links.of_study(c, "small")
        links.revoke(c, link.link, at="2026-01-01T00:00:00.000Z")
    page = withdraw(client, home)
    assert "Your answers were removed" in page.text and "Take part after all" not in page.text
    client.post(f"{page_of(home)}/undo", data=builders.hidden_fields(page.text))
    assert stored(app, "small")[0].ended == "withdrawn"


def test_who_has_not_started_has_nothing_to_take_back(app, client):
    page = client.get(page_of(builders.personal_link(app)))
    assert page.status_code == 200 and "nothing of you is stored" in page.text
    assert not stored(app)


def test_a_person_of_a_panel_gives_the_place_in_the_quota_back(app, client):
    study = builders.small_study(PAGES, quotas="[{id: all, limit: 5, count: starts}]")
    builders.publish(app, study)
    with builders.store_of(app).write() as c:
        panels.save(
            c, panel_of(study, "Good", ["pid"], "", {"complete": "https://p.example/?p={pid}"})
        )
        panel = panels.named(c, "small", "Good").panel
    path = builders.open_link(app, "small", slug="p", panel=panel) + "?pid=person-9"
    home = begin(client, path)
    withdraw(client, home)
    with builders.store_of(app).read() as c:
        filled = quotas.fill(c, "small", "live", at="2026-01-01T00:00:00.000Z")
    assert sum(row.taken + row.held for row in filled) == 0
    assert stored(app, "small")[0].carried == {}
    other = app.test_client().get(path)
    assert other.status_code == 409, "not asked again unawares"
    assert "Your answers were removed" in client.get(path, follow_redirects=True).text


@pytest.fixture
def two(app):
    """Two who completed, one of whom withdrew; returns the page of an older report's reader."""
    for customer in ("c1", "c2"):
        client = app.test_client()
        home = begin(client, builders.personal_link(app, customer=customer))
        finish(client, home)
    withdraw(client, home)
    return people.logged_in(app, "researcher")


def test_the_next_archive_leaves_them_out_and_counts_them(app, two, tmp_path):
    how = FreezeAs(
        ledger_folder(app.extensions["surveyapp.settings"]), None, 1, "2026-01-01T00:00:00.000Z"
    )
    archive = freeze(collect(builders.store_of(app), "pastry", 1), how)
    assert len(archive.respondents) == 1 and archive.facts["withdrawn"] == "1"
    assert set(archive.answers["respondent"]) == set(archive.respondents["respondent"])
    assert "1 who withdrew" in used_rows(archive).excluded, "the source line of the report"
    exported = two.get("/studies/pastry/answers.csv").text
    assert len(exported.splitlines()) == 2


def test_the_monitor_and_the_study_page_count_them(two):
    assert "Withdrawn" in two.get("/studies/pastry/monitor").text
    assert 'data-label="Withdrawn" class="number">1<' in two.get("/studies/pastry/").text


def test_reports_and_archives_from_before_are_marked(app, two):
    (gone,) = (person for person in stored(app) if person.withdrawn)
    store_report(app, created=gone.started)
    assert "1 respondent has withdrawn since this report was made" in two.get("/reports/r1").text
    assert "The archive may still contain their answers" in two.get("/studies/pastry/").text
    store_report(app, "r2", created=gone.withdrawn)
    assert "withdrawn since" not in two.get("/reports/r2").text
