"""A file uploaded into a ledger in a real browser, with and without JavaScript."""

import pytest

from surveyapp import clock
from surveyapp.jobs.worker import Worker
from surveyapp.staff import accounts
from surveyapp.store import jobs, uploads
from tests import builders
from tests.browser.conftest import SCREENSHOTS
from tests.browser.measures import large_text, leave, look_at

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
PASSWORD = "correct horse battery"
TILLS = """Card No;InvoiceDate;Total;Branch;Receipt;Position
{mail};31.08.2026 17:45;12,50;north;{n}1;1
bert@example.org;01.09.2026 09:00;7,00;south;{n}2;1
cora@example.org;tomorrow;3,00;north;{n}3;1
"""


@pytest.fixture(scope="module")
def researcher(served):
    app, address = served
    accounts.add(builders.store_of(app), "rita", "researcher", PASSWORD)
    return app, address


def log_in(page, address):
    page.goto(f"{address}/staff/log-in")
    page.fill("#name", "rita")
    page.fill("#password", PASSWORD)
    leave(page, "button", "Log in")


def send(page, address, name, text):
    page.goto(f"{address}/ledgers/upload?kind=purchases")
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.set_input_files("#file", file)
    leave(page, "button", "Upload and look at it")


def newest(app):
    with builders.store_of(app).read() as c:
        return uploads.newest(c)[0][0]


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_file_to_the_rows_accounted_for(researcher, open_page, width):
    app, address = researcher
    store, axe, found = builders.store_of(app), axe_playwright.Axe(), []

    def look(name):
        found.extend(look_at(page, f"upload-{name}-{width}", axe, SCREENSHOTS))
        if width == 390:
            found.extend(large_text(page, name))

    page = open_page(width=width)
    log_in(page, address)
    page.goto(f"{address}/ledgers/upload")
    look("form")
    send(page, address, "tills.csv", TILLS.format(mail="anna@example.org", n=width))
    look("columns")
    page.fill("#currency", "Euro")
    leave(page, "button", "Load the file")
    assert page.locator(".error-summary a").count() == 1
    look("columns-error")
    page.fill("#currency", "EUR")
    leave(page, "button", "Load the file")
    look("waiting")
    job, later = newest(app).job, "2099-01-01T00:00:00.000Z"
    with store.write() as c:
        jobs.claim(c, "w", at=clock.now(), lease_until=later)
        jobs.report_progress(c, job, "Reading tills.csv, MB", 120, 480)
    page.wait_for_selector("progress")
    look("running")
    with store.write() as c:
        cause = "1 fault in tills.csv\n- the file cannot be unpacked. Pack it again with gzip."
        jobs.finish(c, job, "w", "failed", at=clock.now(), error=cause)
    page.wait_for_selector("pre.cause")
    page.reload()
    look("failed")
    leave(page, "button", "Load it again")
    Worker(app.extensions["surveyapp.settings"], store).run_one()
    page.wait_for_selector(".tiles")
    page.wait_for_selector("#cancel", state="detached")
    assert "2 accepted + 0 known already + 1 set apart = 3 of 3 rows" in page.content()
    look("done")
    page.goto(f"{address}/ledgers/")
    look("ledgers")
    assert not found, "\n".join(found)


def test_without_javascript(researcher, open_page):
    app, address = researcher
    page = open_page(width=390, java_script_enabled=False)
    log_in(page, address)
    send(page, address, "plain.csv", "customer,time,amount\nzoe@example.org,2026-08-01,1\n")
    leave(page, "button", "Load the file")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    Worker(app.extensions["surveyapp.settings"], builders.store_of(app)).run_one()
    page.wait_for_selector(".tiles", timeout=15_000)
    assert "1 accepted + 0 known already + 0 set apart = 1 of 1 rows" in page.content()
