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
from surveyapp import clock
from surveyapp.jobs import run
from surveyapp.jobs.ledgers import loading
from surveyapp.reports.run_files import TESTS
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
    reply = person.post("/reports/r1/tests/spring/measure")
    assert reply.status_code == 303
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
