"""Quality of answers as a researcher meets it: monitor, preview, versions, export."""

import csv
import io
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from analysis.study import dump_study
from surveyapp import clock
from surveyapp.jobs.freeze import FreezeAs, collect, freeze
from surveyapp.jobs.restoring import restore
from surveyapp.reports.run_files import folder_of
from surveyapp.respond.ends import ENDS
from surveyapp.store import jobs, reports, respondents, studies
from surveyapp.store.records import ReportRecord
from tests import builders
from tests.surveyapp import people
from tests.surveyapp.respond.walks import begin

PAGES = """
  - id: about
    title: About you
    questions:
      - {id: check, kind: nps, text: Choose 3 here, expects: 3}
      - {id: word, kind: short_text, text: Write blue, expects: blue}
  - id: last
    title: All in all
    quality_out_if: like == 0
    questions: [{id: like, kind: nps, text: 'Recommend?'}]
"""
CAREFUL, CARELESS = {"check": "3", "word": "Blue"}, {"check": "4", "word": "x"}


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def fielded(app):
    builders.publish(app, builders.small_study(PAGES))
    builders.open_link(app, "small", slug="real")
    builders.open_link(app, "small", slug="trial", run_kind="test")
    return app


def walk(app, link, given, like="8"):
    client = app.test_client()
    home = begin(client, link)
    builders.send(client, home, given)
    builders.send(client, home, {"like": like})


def figures(app):
    researcher = people.logged_in(app, "researcher")
    return words(researcher.get("/studies/small/monitor/figures").text)


def test_the_monitor_counts_missed_attention_items_and_who_was_sent_away(fielded):
    walk(fielded, "/s/real", CAREFUL)
    walk(fielded, "/s/real", CARELESS)
    walk(fielded, "/s/real", CAREFUL, like="0")
    walk(fielded, "/s/trial", CARELESS)
    said = figures(fielded)
    assert "Attention items missed 1 of 2 (50%) about 0.6 in 100" in said
    assert "Attention check failed 1" in said
    assert "Of the newest 2 who completed version 1" in said
    assert "Who failed an attention check that ends the survey is not among them" in said


def test_flags_are_judged_once_a_minute_and_say_when(fielded):
    walk(fielded, "/s/real", CARELESS)
    first = figures(fielded)
    walk(fielded, "/s/real", CARELESS)
    at = re.search(r"judged at (\S+) UTC", first).group(1)
    assert "missed 1 of 1 (100%)" in first and f"judged at {at} UTC" in figures(fielded)
    with clock.set_to(datetime.now(UTC) + timedelta(seconds=61)):
        assert "missed 2 of 2 (100%)" in figures(fielded)


def test_the_rules_of_the_monitor_load_no_statistics():
    program = (
        "import sys\n"
        "from analysis.customers.quality.live import LiveRespondent, live_flags\n"
        "from analysis.study import parse_study\n"
        "from surveyapp.studies import quality_flags\n"
        "study = parse_study('''study: s\ntitle: S\npages:\n  - id: p\n    questions:\n"
        "      - {id: a, kind: nps, text: Three, expects: 3}\n''')\n"
        "people = [LiveRespondent(f'r{n}', '2026-11-25T10:00:00.000Z', n == 1, {('a', ''): '4'},\n"
        "          [(1, 'p', f'2026-11-25T10:00:{n + 10}.000Z')]) for n in range(40)]\n"
        "assert 'duplicates' in live_flags(study, people)['r1']\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'numba', 'duckdb'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_preview_lists_every_page_and_end_in_every_language(app):
    builders.publish(app, builders.small_study(PAGES, languages="[en, ar]"))
    researcher = people.logged_in(app, "researcher")
    page = researcher.get("/studies/small/preview/").text
    for end in ("start", *ENDS):
        for language in ("en", "ar"):
            address = f"/studies/small/preview/page/{end}?lang={language}"
            assert address in page
            shown = researcher.get(address)
            assert shown.status_code == 200 and f'lang="{language}"' in shown.text, address
    assert {"complete", "screened_out", "quota_full", "quality_out", "declined"} < set(ENDS)
    assert {"closed", "expired", "revoked"} < set(ENDS)
    for wrong in ("/preview/page/nonsense", "/preview/99", "/preview/0"):
        assert researcher.get(f"/studies/small{wrong}").status_code == 404
    with builders.store_of(app).read() as c:
        assert not list(respondents.of_study(c, "small"))


def test_before_publishing_the_page_says_what_becomes_of_earlier_answers(fielded):
    walk(fielded, "/s/real", CAREFUL)
    changed = PAGES.replace("'Recommend?'", "'Would you recommend us?'")
    draft = builders.small_study(changed)
    with builders.store_of(fielded).write() as c:
        studies.save_draft(c, "small", "Small", dump_study(draft), at=clock.now())
    page = words(people.logged_in(fielded, "researcher").get("/studies/small/").text)
    assert "What version 2 would do to the answers so far" in page
    assert "Version 1, begun by 1" in page
    assert "2 questions and exercises did not change and are pooled" in page
    kept = page.split("Kept apart", 1)[1]
    assert "like" in kept.split("Where the meaning")[0] and "equivalent" in kept


def test_the_export_has_the_flags_of_the_newest_analysis_and_other_runs_on_request(fielded):
    for given, link in ((CAREFUL, "/s/real"), (CARELESS, "/s/real"), (CARELESS, "/s/trial")):
        walk(fielded, link, given)
    store, settings = builders.store_of(fielded), fielded.extensions["surveyapp.settings"]
    with store.read() as c:
        live = [r for r in respondents.of_study(c, "small") if r.run_kind == "live"]
    folder = folder_of(settings, analysed(store))
    folder.mkdir(parents=True)
    (folder / "quality.csv").write_text(
        f"respondent,flags\n{live[0].respondent},\n{live[1].respondent},attention\n"
    )
    researcher = people.logged_in(fielded, "researcher")
    rows = table(researcher.get("/studies/small/answers.csv"))
    assert {row["respondent"]: row["flags"] for row in rows} == {
        live[0].respondent: "none", live[1].respondent: "attention",
    }  # fmt: skip
    trial = researcher.get("/studies/small/answers.csv?run_kind=test")
    assert [(row["run_kind"], row["flags"]) for row in table(trial)] == [("test", "")]
    assert "small-answers-test.csv" in trial.headers["Content-Disposition"]
    both = researcher.get("/studies/small/answers.csv?run_kind=test&run_kind=live")
    assert len(table(both)) == 3
    assert researcher.get("/studies/small/answers.csv?run_kind=nonsense").status_code == 404


def table(reply):
    return list(csv.DictReader(io.StringIO(reply.text)))


def analysed(store):
    """A stored report; returns its job."""
    record = ReportRecord(
        report="report", study="small", version=1, created=clock.now(), archive="a.sqlite",
        document="{}", charts="{}", job="job",
    )  # fmt: skip
    with store.write() as c:
        jobs.submit(c, "job", "analyse", "small", "key", {}, at=clock.now())
        reports.add(c, record)
    return "job"


def test_page_times_and_persons_of_panels_survive_freezing_and_restoring(fielded, tmp_path):
    walk(fielded, "/s/real", CAREFUL)
    store = builders.store_of(fielded)
    frozen = freeze(collect(store, "small", 1), FreezeAs(tmp_path, None, 1, clock.now()))
    key = frozen.respondents.columns
    assert "panel_key" in key and frozen.page_times["step"].tolist() == ["about", "last"]
    frozen.respondents["panel_key"] = "person"
    (tmp_path / "other").mkdir()
    other = builders.make_app(tmp_path / "other")
    restore(builders.store_of(other), frozen)
    again = freeze(
        collect(builders.store_of(other), "small", 1), FreezeAs(tmp_path, None, 1, clock.now())
    )
    builders.close(other)
    assert again.page_times.equals(frozen.page_times)
    assert again.respondents["panel_key"].tolist() == ["person"]
