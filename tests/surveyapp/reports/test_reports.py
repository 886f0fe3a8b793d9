"""The manager's pages."""

import json
import re

import pytest

from analysis.value_report.types import Header, Headline, Method, ValueReport
from surveyapp.bots import AnyPersona, walk
from surveyapp.reports.run_files import WIN_BACK, folder_of
from surveyapp.store import jobs, reports, respondents
from surveyapp.store.records import ReportRecord
from tests import builders
from tests.surveyapp.people import Person, logged_in

SVG = '<svg xmlns="http://www.w3.org/2000/svg" role="img"><title>A chart</title></svg>'


def report(title="Our pastry shop"):
    header = Header(
        study="pastry",
        title=title,
        version=1,
        currency="USD",
        simulated=True,
        n_started=12,
        n_completed=10,
        n_linked=0,
        n_customers=0,
        first_answer="2026-08-01T09:00:00.000Z",
        last_answer="2026-08-09T09:00:00.000Z",
        purchases_as_of=None,
        archive="0" * 64,
        seed=1,
        program="test",
        excluded="2 did not complete",
    )
    made = Method(id="m", title="How", text="By hand.", source="Here", page="nps")
    return ValueReport(
        header=header,
        headlines=(Headline(text="Ten people answered.", method="m"),),
        key_figures=(),
        actions=(),
        methods=(made,),
    )


def store_report(app, name="r1", created="2026-09-01T10:00:00.000Z", job=None, **more):
    record = ReportRecord(
        report=name,
        study="pastry",
        version=1,
        job=job,
        created=created,
        archive="archives/none.sqlite",
        document=report(**more).model_dump_json(),
        charts=json.dumps({"nps.wide": SVG}),
    )
    with builders.store_of(app).write() as c:
        reports.add(c, record)


@pytest.fixture
def published(app):
    builders.publish(app)
    return app


def test_without_a_report_a_manager_reads_what_will_be_there(app):
    page = logged_in(app, "manager").get("/reports/").text
    assert "No report yet" in page
    assert "button-primary" not in page
    assert "button-primary" in logged_in(app, "researcher").get("/reports/").text


def test_a_report_says_when_on_how_many_and_whether_people_are_simulated(published):
    store_report(published)
    page = logged_in(published, "manager").get("/reports/r1").text
    text = re.sub(r"<[^>]+>|\s+", " ", page)
    assert "2026-09-01 10:00 UTC" in text
    assert "10 answers" in re.sub(r" +", " ", text)
    assert "simulated" in text
    assert "report.css" in page
    assert " style=" not in page


def test_newer_answers_make_a_report_stale(published):
    store_report(published)
    manager = logged_in(published, "manager")
    assert "Up to date" in manager.get("/reports/").text
    study = builders.pastry()
    path = builders.personal_link(published)
    walk(published.test_client(), path, study, AnyPersona(study, 1))
    assert "1 person has completed" in manager.get("/reports/").text
    assert "completed the survey since" in manager.get("/reports/r1").text
    with builders.store_of(published).read() as c:
        assert respondents.completed_since(c, "pastry", "2026-09-01T10:00:00.000Z", ("live",)) == 1
        assert respondents.completed_since(c, "pastry", "2026-09-01T10:00:00.000Z", ("test",)) == 0


def test_an_older_report_leads_to_the_newer_one(published):
    store_report(published)
    store_report(published, "r2", "2026-09-02T10:00:00.000Z")
    manager = logged_in(published, "manager")
    assert "Replaced by a newer one" in manager.get("/reports/").text
    assert "/reports/r2" in manager.get("/reports/r1").text


def test_the_file_needs_nothing_else(published):
    store_report(published)
    reply = logged_in(published, "manager").get("/reports/r1/file.html")
    assert "attachment" in reply.headers["Content-Disposition"]
    assert "<style>" in reply.text
    assert not re.search(r'(src|href)="(?!#)', reply.text)


@pytest.fixture
def analysed(published):
    """A report with the files that its run left."""
    with builders.store_of(published).write() as c:
        jobs.submit(c, "run1", "analyse", "pastry", "key", {}, at="2026-09-01T10:00:00.000Z")
    store_report(published, job="run1")
    builders.leave_run(published, "run1")
    return published


def test_the_report_leads_to_its_diagnostics(analysed):
    manager = logged_in(analysed, "manager")
    assert 'href="/reports/r1/diagnostics"' in manager.get("/reports/r1").text
    page = manager.get("/reports/r1/diagnostics")
    assert page.status_code == 200
    assert "Not final: 1 of 2 checks" in page.text
    assert " style=" not in page.text
    assert "<script" not in page.text
    assert "individual.parquet" not in page.text


def test_a_report_without_diagnostics_has_no_page_of_them(published):
    store_report(published)
    manager = logged_in(published, "manager")
    assert "/diagnostics" not in manager.get("/reports/r1").text
    assert manager.get("/reports/r1/diagnostics").status_code == 404


def test_files_of_single_respondents_are_for_researchers(analysed):
    researcher = logged_in(analysed, "researcher")
    page = researcher.get("/reports/r1/diagnostics").text
    assert 'href="/reports/r1/files/individual.parquet"' in page
    with researcher.get("/reports/r1/files/individual.parquet") as reply:
        assert reply.data == b"part-worths"
        assert "pastry-2026-09-01-individual.parquet" in reply.headers["Content-Disposition"]
    assert logged_in(analysed, "manager").get("/reports/r1/files/wtp.csv").status_code == 403
    assert Person(analysed).get("/reports/r1/files/wtp.csv").status_code == 303


def test_the_win_back_list_is_for_staff(analysed):
    manager = logged_in(analysed, "manager")
    assert manager.get("/reports/r1/win-back.csv").status_code == 404
    settings = analysed.extensions["surveyapp.settings"]
    (folder_of(settings, "run1") / WIN_BACK).write_text("customer,group\nab,control\n")
    with manager.get("/reports/r1/win-back.csv") as reply:
        assert reply.text == "customer,group\nab,control\n"
        assert "pastry-2026-09-01-win-back.csv" in reply.headers["Content-Disposition"]
    assert Person(analysed).get("/reports/r1/win-back.csv").status_code == 303
    assert manager.get("/reports/none/win-back.csv").status_code == 404


@pytest.mark.parametrize(
    "name", ["log.txt", "report.json", "draws.npy", "..%2Frun1%2Findividual.parquet", "none"]
)
def test_no_other_file_is_given_away(analysed, name):
    researcher = logged_in(analysed, "researcher")
    assert researcher.get(f"/reports/r1/files/{name}").status_code == 404


def test_titles_are_escaped(published):
    store_report(published, title="<script>alert(1)</script>")
    page = logged_in(published, "manager").get("/reports/r1").text
    assert "<script>alert" not in page


def test_reports_are_for_staff_and_unknown_ones_are_not_found(published):
    store_report(published)
    assert Person(published).get("/reports/r1").status_code == 303
    assert logged_in(published, "manager").get("/reports/none").status_code == 404
