"""Staff pages in a real browser: accessible, without overflow, and they look like one product."""

import json

import pytest

from analysis.rendering.charts import draw
from analysis.value_report.types import ValueReport
from surveyapp.bots import AnyPersona, walk
from surveyapp.jobs import queue
from surveyapp.staff import accounts
from surveyapp.store import contacts, jobs, links, mailings, reports, studies
from surveyapp.store.contacts import ContactRecord
from surveyapp.store.mailings import MailingRecord, MessageRecord
from surveyapp.store.records import ReportRecord
from tests import builders

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
SCREENSHOTS = builders.ROOT / "tests" / "browser" / "screenshots"
PASSWORD = "correct horse battery"
WIDTHS = (360, 1280)
SCENARIO = (
    "p1.name=Ours&p1.own=1&p1.cost=0.5&p1.a.price=1.05&b1.name=Ours&b1.own=1&b1.a.look=decorated&"
    "b1.a.price=1.05&p2.name=Rival&p2.a.price=1.2&b2.name=Rival&b2.a.price=1.2&none=1&size=900"
)
STORED = "tests/analysis/value_report/published-format-1.json"


@pytest.fixture(scope="module")
def staffed(served):
    """The served app with an administrator, answers, links, jobs and a draft with faults."""
    app, address = served
    store = builders.store_of(app)
    accounts.add(store, "ada", "administrator", PASSWORD)
    accounts.add(store, "mia", "manager", PASSWORD)
    builders.open_link(app, slug="staff-test")
    for n in range(3):
        path = builders.personal_link(app, customer=f"{n:032x}")
        study = builders.pastry()
        walk(app.test_client(), path, study, AnyPersona(study, n), most=None if n else 4)
    builders.save_rehearsed(app, builders.tight_study())
    builders.save_rehearsed(app, builders.pastry())
    failed, running = (queue.analyse(store, "pastry", 1, seed=n) for n in (1, 2))
    with store.write() as c:
        broken = builders.PASTRY.read_text().replace("- {id: bag, label: Paper bag}", "- {id: bag}")
        broken = broken.replace("study: pastry", "study: broken")
        studies.save_draft(c, "broken", "A study in the making", broken, at="2026-01-01T10:00:00Z")
        later = "2099-01-01T00:00:00.000Z"
        jobs.claim(c, "w", at="2026-01-01T00:00:00.000Z", lease_until=later)
        jobs.finish(
            c, failed.job, "w", "failed", at="2026-01-01T00:00:09.000Z",
            error="2 faults in the ledger\n- row 7: the time 'soon' is no ISO date or time.",
        )  # fmt: skip
        jobs.claim(c, "w", at="2026-01-01T00:01:00.000Z", lease_until=later)
        jobs.report_progress(c, running.job, "Estimating part-worths", 1200, 4000)
    document = (builders.ROOT / STORED).read_text()
    charts = draw(ValueReport.model_validate_json(document))
    record = ReportRecord(
        report="r1", study="pastry", version=1, job=failed.job, created="2026-01-01T00:00:09.000Z",
        archive="none.sqlite", document=document, charts=json.dumps(charts),
    )  # fmt: skip
    with store.write() as c:
        reports.add(c, record)
    leave_mailing(store)
    builders.leave_run(app, failed.job)
    builders.leave_draws(app, failed.job)
    builders.leave_tests(app, failed.job)
    return address, failed.job, running.job


def leave_mailing(store):
    """Contacts, and a mailing with every fate that a mail can have."""
    at = "2026-01-01T10:00:00.000Z"
    plan = '{"invited": 5, "left_out": {"lately": 2}, "overridden": 0}'
    mailing = MailingRecord("m1", "pastry", None, "live", "{}", 7, 2, plan, None, at, "ada")
    with store.write() as c:
        contacts.save(
            c,
            [
                ContactRecord("pastry", f"{n:032x}", "a@b.example", str(n), "en", "{}", at)
                for n in (1, 2)
            ],
        )
        made = [link.link for link in links.of_study(c, "pastry", "personal")]
        fates = ("waiting", "unknown", "bounced")
        mailings.add(
            c,
            mailing,
            [
                MessageRecord(
                    fate, "m1", link, None, 0, fate, at, 1, f"{fate}.1@shop.example", at, "5"
                )
                for fate, link in zip(fates, made, strict=False)
            ],
        )


def pages(failed, running):
    return {
        "studies": "/studies/",
        "new-study": "/studies/new",
        "study": "/studies/pastry/",
        "draft-with-faults": "/studies/broken/draft",
        "broken-study": "/studies/broken/",
        "links": "/studies/pastry/links",
        "invitations": "/studies/pastry/invitations",
        "mailing": "/studies/pastry/mailings/m1",
        "monitor": "/studies/pastry/monitor",
        "rehearsal": "/studies/pastry/rehearsal",
        "rehearsal-missed": "/studies/tight/rehearsal",
        "study-refused": "/studies/tight/",
        "preview": "/studies/pastry/preview/6",
        "previews": "/studies/pastry/preview/",
        "job-failed": f"/studies/pastry/jobs/{failed}",
        "job-running": f"/studies/pastry/jobs/{running}",
        "reports": "/reports/",
        "report": "/reports/r1",
        "diagnostics": "/reports/r1/diagnostics",
        "tests": "/reports/r1/tests",
        "new-test": "/reports/r1/tests/new",
        "simulator": "/reports/r1/simulator",
        "simulator-changed": f"/reports/r1/simulator?{SCENARIO}",
        "simulator-best": f"/reports/r1/simulator?{SCENARIO}&best=1&keep.price=1",
        "people": "/staff/people",
        "password": "/staff/password",
    }


def log_in(page, address, name="ada"):
    page.goto(f"{address}/staff/log-in")
    page.get_by_label("Log-in name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/*s/")


def faults(page):
    found = axe_playwright.Axe().run(page, options={"resultTypes": ["violations"]})
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found.response["violations"]]


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible_and_fit(staffed, open_page, width):
    address, failed, running = staffed
    page = open_page(width=width)
    page.goto(f"{address}/staff/log-in")
    page.screenshot(path=SCREENSHOTS / f"staff-log-in-{width}.png", full_page=True)
    found = {"log-in": faults(page)}
    log_in(page, address)
    wide = {}
    for name, path in pages(failed, running).items():
        page.goto(address + path)
        page.screenshot(path=SCREENSHOTS / f"staff-{name}-{width}.png", full_page=True)
        found[name] = faults(page)
        wide[name] = overflow(page)
    assert {name: each for name, each in found.items() if each} == {}
    assert {name: each for name, each in wide.items() if each > 0} == {}


STICKS_OUT = """() => {
  document.querySelectorAll('details').forEach(each => { each.open = true; });
  const right = each => each.getBoundingClientRect().right;
  const found = [...document.querySelectorAll('.report table, .report ol, .report dl')]
    .filter(each => right(each) > right(each.parentElement) + 1
      || each.scrollWidth > each.clientWidth + 1)
    .map(each => `${each.tagName} ${each.innerText.slice(0, 60)}`);
  const wide = document.documentElement.scrollWidth > window.innerWidth;
  return found.concat(wide ? ['the page'] : []);
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_report_fits_with_all_its_details_open(staffed, open_page, width):
    address, _, _ = staffed
    page = open_page(width=width)
    log_in(page, address)
    page.goto(f"{address}/reports/r1")
    assert page.evaluate(STICKS_OUT) == []


def test_dark_pages_are_accessible(staffed, open_page):
    address, failed, _ = staffed
    page = open_page(width=1280, color_scheme="dark")
    log_in(page, address)
    seen = ("/studies/", "/studies/pastry/", "/reports/r1", "/reports/r1/diagnostics")
    seen += ("/reports/r1/simulator", f"/reports/r1/simulator?{SCENARIO}")
    for path in (*seen, f"/studies/pastry/jobs/{failed}"):
        page.goto(address + path)
        assert faults(page) == []


def test_targets_are_large_enough(staffed, open_page):
    address, failed, running = staffed
    page = open_page(width=360)
    log_in(page, address)
    small = []
    for path in pages(failed, running).values():
        page.goto(address + path)
        small += page.evaluate(
            """() => [...document.querySelectorAll("a, button, select, summary, input, textarea")]
            .filter(e => e.offsetParent && e.type !== "hidden" && !e.classList.contains("skip"))
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24)
            .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
        )
    assert small == []


def test_tables_turn_into_blocks_on_a_phone(staffed, open_page):
    address, _, _ = staffed
    page = open_page(width=360)
    log_in(page, address)
    page.goto(f"{address}/studies/")
    row = page.locator("table.rows tbody tr").first
    tops = [cell.bounding_box()["y"] for cell in row.locator("th, td").all()]
    assert tops == sorted(set(tops))


def test_the_way_from_draft_to_preview_works_by_keyboard(staffed, open_page):
    address, _, _ = staffed
    page = open_page(width=1280)
    log_in(page, address)
    page.goto(f"{address}/studies/pastry/")
    page.get_by_role("link", name="Preview").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/preview/")
    page.goto(f"{address}/studies/pastry/preview/1")
    assert page.get_by_text("nothing is stored").is_visible()
    page.get_by_role("link", name="Continue").press("Enter")
    page.wait_for_url("**/preview/2?lang=en")


@pytest.mark.parametrize("script", [True, False])
def test_a_market_is_changed_with_and_without_a_script(staffed, open_page, script):
    address, _, _ = staffed
    page = open_page(width=1280, java_script_enabled=script)
    log_in(page, address, "mia")
    page.goto(f"{address}/reports/r1/simulator")
    before = page.locator("#shares-title").inner_text()
    page.locator('[id="p1.a.look"]').select_option("plain")
    if not script:
        page.get_by_role("button", name="Show shares").last.click()
    page.locator("#shares-title", has_text="points fewer").wait_for()
    assert page.locator("#shares-title").inner_text() != before
    assert "p1.a.look=plain" in page.url
    page.reload()
    assert "points fewer" in page.locator("#shares-title").inner_text()
    page.get_by_label("Save these products as").fill(f"Plain {script}")
    page.get_by_role("button", name="Save scenario").click()
    page.get_by_role("link", name=f"Plain {script}").wait_for()
