"""The manager's page of randomised tests."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from analysis.customer_key import customer_key
from analysis.customers.actions.planned import TestPlan
from analysis.customers.actions.randomised import drawn_groups
from analysis.customers.actions.register import Register
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import load_files
from analysis.ledgers.raw import note_erased
from surveyapp import clock
from surveyapp.jobs import queue, run
from surveyapp.jobs.analyse import write_recommended
from surveyapp.jobs.ledgers import ledgers_folder, loading
from surveyapp.jobs.measuring import not_erased
from surveyapp.reports.run_files import TESTS, folder_of
from surveyapp.store import jobs
from tests import builders
from tests.surveyapp.people import logged_in
from tests.surveyapp.reports.test_reports import store_report

KEY = b"k" * 32
BEGAN = date(2026, 3, 2)
WEEKS = 4
RAW = [f"card-{n}" for n in range(60)]
KEYS = [customer_key(raw, KEY) for raw in RAW]


@pytest.fixture
def tested(app):
    """A report, and a test on 60 customers: whoever is contacted spends 3.00 more."""
    builders.publish(app)
    store_report(app)
    settings = app.extensions["surveyapp.settings"]
    plan = TestPlan(
        name="spring", what="A <free> bun", strategy="personalisation", decided_by="A. Baker",
        decided_on=date(2026, 2, 1), began=BEGAN, weeks=WEEKS, outcome="spend", smallest=1.0,
        power=0.8, error=0.05, control_share=0.5, seed=7, adjusted=True, contact=30, control=30,
        needed=80, needed_method="two means", currency="USD", list_sha256="",
    )  # fmt: skip
    names = pd.Series(KEYS)
    group = drawn_groups(names, control_share=0.5, seed=7)
    listed = pd.DataFrame({"customer": names, "group": group})
    Register(settings.files / TESTS).add(plan, listed)
    return app


def load_purchases(app, tmp_path, *, until):
    groups = drawn_groups(pd.Series(KEYS), control_share=0.5, seed=7)
    rows = ["customer,time,amount,currency"]
    for n, (raw, group) in enumerate(zip(RAW, groups, strict=True)):
        usual = 10 + n % 5
        more = 3 if group == "contact" else 0
        rows.append(f"{raw},{BEGAN - timedelta(days=5)},{usual}.00,USD")
        rows.append(f"{raw},{BEGAN + timedelta(days=5)},{usual + more}.{n % 7}0,USD")
    rows.append(f"{RAW[0]},{until},1.00,USD")
    (tmp_path / "bought.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    how = replace(loading(app.extensions["surveyapp.settings"], "purchases"), key=KEY)
    load_files([tmp_path / "bought.csv"], how, Layout(source="t"))


def measured(app, person):
    """Press the button and run the job; its address, its exit code."""
    return ran(app, person.post("/reports/r1/tests/spring/measure"))


def ran(app, reply):
    """Run the job that a reply leads to."""
    assert reply.status_code == 303, reply.text
    store = builders.store_of(app)
    name = reply.location.rsplit("/", 1)[1]
    now = clock.now()
    with store.write() as c:
        job = jobs.claim(c, "w", at=now, lease_until=clock.now(plus_seconds=60))
    assert job is not None and job.job == name
    code = run.run(app.extensions["surveyapp.settings"], store, job)
    with store.write() as c:
        state = "done" if code == 0 else "failed"
        jobs.finish(c, name, "w", state, at=clock.now())
    return reply.location, code


def at(day):
    return clock.set_to(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def test_without_a_test_the_page_says_how_to_plan_one(app):
    builders.publish(app)
    store_report(app)
    person = logged_in(app, "manager")
    assert "/reports/r1/tests" in person.get("/reports/r1").text
    page = person.get("/reports/r1/tests").text
    assert "No test yet" in page and "plan-test" in page


@pytest.mark.parametrize(
    ("day", "state", "button"),
    [
        (BEGAN - timedelta(days=1), "Planned", False),
        (BEGAN, "Running", False),
        (BEGAN + timedelta(weeks=WEEKS), "Running", False),
        (BEGAN + timedelta(weeks=WEEKS, days=1), "Over, not measured", True),
    ],
)
def test_how_far_a_test_is(tested, day, state, button):
    person = logged_in(tested, "manager")
    with at(day):
        page = person.get("/reports/r1/tests").text
        if not button:
            reply = person.post("/reports/r1/tests/spring/measure")
            assert reply.location.endswith("/reports/r1/tests")
    assert state in page
    assert ("Measure<" in page) is button
    assert "unknown" in page  # no effect yet, never zero
    assert "A &lt;free&gt; bun" in page
    assert "80 were needed" in page


def test_both_groups_are_those_of_the_lot(tested):
    reply = logged_in(tested, "manager").get("/reports/r1/tests/spring/groups.csv")
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    reply.close()
    drawn = drawn_groups(pd.Series(KEYS), control_share=0.5, seed=7)
    assert {row["customer"]: row["group"] for row in rows} == dict(zip(KEYS, drawn, strict=True))
    assert logged_in(tested, "manager").get("/reports/r1/tests/no/groups.csv").status_code == 404


def test_a_manager_measures_a_test_that_is_over(tested, tmp_path):
    load_purchases(tested, tmp_path, until=BEGAN + timedelta(weeks=WEEKS))
    person = logged_in(tested, "manager")
    address, code = measured(tested, person)
    assert code == 0
    assert person.get(address).location.endswith("/reports/r1/tests")
    page = person.get("/reports/r1/tests").text
    assert "The test &#39;spring&#39; is measured." in page
    (test,) = Register(tested.extensions["surveyapp.settings"].files / TESTS).every()
    assert test.effect.low < 3.0 < test.effect.high
    assert test.effect.clear_of_zero
    assert "Contacted customers did more." in page
    assert "n 60" in page and "intention to treat" in page


def test_too_early_purchases_are_refused_with_the_reason(tested, tmp_path, capsys):
    load_purchases(tested, tmp_path, until=BEGAN + timedelta(days=6))
    _, code = measured(tested, logged_in(tested, "manager"))
    assert code == 2
    assert "purchases are known up to 2026-03-08" in capsys.readouterr().err


def test_a_damaged_register_says_which_test(tested):
    folder = tested.extensions["surveyapp.settings"].files / TESTS
    (folder / "spring" / "plan.json").write_text("{", encoding="utf-8")
    page = logged_in(tested, "manager").get("/reports/r1/tests").text
    assert "the test &#39;spring&#39; cannot be read" in page


WISH = {
    "pick": "1", "name": "summer", "what": "A call",
    "began": (BEGAN + timedelta(weeks=5)).isoformat(),
    "weeks": "4", "outcome": "spend", "smallest": "4", "control": "40", "power": "90",
    "error": "10", "seed": "3", "anyway": "yes",
}  # fmt: skip


@pytest.fixture
def recommended(tested, tmp_path):
    """A report that recommends two strategies for a segment, for 50 and for 60 customers."""
    store = builders.store_of(tested)
    job = queue.analyse(store, "pastry", 1).job
    with store.write() as c:
        jobs.claim(c, "w", at=clock.now(), lease_until=clock.now(plus_seconds=60))
        jobs.finish(c, job, "w", "done", at=clock.now())
    store_report(tested, name="r2", job=job)
    found = pd.DataFrame(
        [(key, "value", "gold", "relationship_loyalty") for key in KEYS[:50]]
        + [(key, "value", "gold", "win_back") for key in KEYS]
    )
    found.columns = ["customer", "cut", "segment", "strategy"]
    folder = folder_of(tested.extensions["surveyapp.settings"], job)
    folder.mkdir(parents=True)
    write_recommended(folder, found)
    load_purchases(tested, tmp_path, until=BEGAN + timedelta(weeks=WEEKS))
    return tested


def test_a_recommendation_becomes_a_planned_test(recommended):
    person = logged_in(recommended, "manager")
    form = person.get("/reports/r2/tests/new").text
    assert "Win back, gold: 60 customers" in form
    with at(BEGAN + timedelta(weeks=5)):
        address, code = ran(recommended, person.post("/reports/r2/tests/new", **WISH))
    assert code == 0
    assert person.get(address).location.endswith("/reports/r2/tests")
    register = Register(recommended.extensions["surveyapp.settings"].files / TESTS)
    plan = register.get("summer").plan
    assert (plan.strategy, plan.segment, plan.contact, plan.control) == ("win_back", "gold", 36, 24)
    assert (plan.power, plan.error) == (0.9, 0.1)
    assert (plan.currency, plan.weeks, plan.smallest, plan.outcome) == ("USD", 4, 4.0, "spend")
    assert plan.decided_by.startswith("manager")
    listed = pd.read_csv(register.folder / "summer" / "list.csv")
    drawn = drawn_groups(pd.Series(KEYS), control_share=0.4, seed=3)
    assert dict(zip(listed["customer"], listed["group"], strict=True)) == dict(
        zip(KEYS, drawn, strict=True)
    )


def test_too_few_customers_are_refused_with_how_many_are_needed(recommended, capsys):
    wish = {**WISH, "smallest": "0.05", "anyway": "no"}
    with at(BEGAN + timedelta(weeks=5)):
        reply = logged_in(recommended, "manager").post("/reports/r2/tests/new", **wish)
        _, code = ran(recommended, reply)
    assert code == 2
    assert "customers are needed" in (said := capsys.readouterr().err) and "60 are listed" in said
    folder = recommended.extensions["surveyapp.settings"].files / TESTS
    assert not (folder / "summer").exists()


def test_all_that_is_wrong_is_said_at_once_and_what_was_written_stays(recommended):
    wrong = {"pick": "2", "name": "spring", "what": " ", "began": "2020-01-01", "weeks": "1.5",
             "outcome": "luck", "smallest": "nan", "control": "0", "power": "100",
             "error": "0", "seed": "x"}  # fmt: skip
    reply = logged_in(recommended, "manager").post("/reports/r2/tests/new", **wrong)
    assert reply.status_code == 400
    assert reply.text.count('class="error"') == 11
    assert "There is a test &#39;spring&#39;" in reply.text
    assert 'value="2020-01-01"' in reply.text


def test_a_report_without_recommendations_offers_no_form(tested):
    person = logged_in(tested, "manager")
    assert "Plan a test" not in person.get("/reports/r1/tests").text
    assert '<form method="post" class="card"' not in person.get("/reports/r1/tests/new").text


def test_who_was_erased_since_the_analysis_is_in_no_new_test(app):
    settings = app.extensions["surveyapp.settings"]
    listed = pd.DataFrame({"customer": KEYS[:3]})
    assert not_erased(settings, listed)["customer"].tolist() == KEYS[:3]
    note_erased(ledgers_folder(settings), KEYS[1], settings.customer_key)
    assert not_erased(settings, listed)["customer"].tolist() == [KEYS[0], KEYS[2]]
