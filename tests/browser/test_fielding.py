"""The field monitor and the way back to a panel, in a real browser under the real policy."""

import pytest

from surveyapp.staff import accounts
from surveyapp.store import panels
from surveyapp.studies.panel_settings import panel_of
from tests import builders
from tests.surveyapp.respond.walks import begin

expect = pytest.importorskip("playwright.sync_api").expect
PASSWORD = "correct horse battery"
BACK = "https://panel.example/out?rst={status}&who={pid}&sig={signature}"


@pytest.fixture
def strict(browser):
    """A page under the content security policy, and what the browser complained about."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, complaints = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: complaints.append(message.text))
    yield page, complaints
    context.close()


def test_who_ends_is_taken_back_to_the_panel(served, strict):
    app, address = served
    page, complaints = strict
    study = builders.small_study(
        "  - {id: only, questions: [{id: consent, kind: consent, text: 'Take part?'}]}\n"
    )
    builders.publish(app, study)
    with builders.store_of(app).write() as c:
        panels.save(c, panel_of(study, "Good Panel", ["pid"], "", {"complete": BACK}))
        panel = panels.named(c, "small", "Good Panel")
    path = builders.open_link(app, "small", slug="back", panel=panel.panel)
    reply = {"status": 200, "body": "<h1>Counted</h1>", "content_type": "text/html"}
    page.route("https://panel.example/**", lambda route: route.fulfill(**reply))
    page.goto(f"{address}{path}?pid=p1")
    page.get_by_role("button", name="Start").click()
    page.locator("input[value=yes]").check(force=True)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("https://panel.example/**")
    assert "rst=complete&who=p1&sig=" in page.url and not complaints


def test_the_monitor_renews_itself_without_reloading(served, strict):
    app, address = served
    page, complaints = strict
    name = "monitor@example.org"
    accounts.add(builders.store_of(app), name, "researcher", PASSWORD)
    path = builders.open_link(app, slug="watched", run_kind="bot")
    page.goto(f"{address}/staff/log-in")
    page.get_by_label("Log-in name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/*s/")
    page.goto(f"{address}/studies/pastry/monitor?run_kind=bot")
    page.evaluate("window.untouched = true")
    started = page.locator("#now dd").first
    before = int(started.inner_text())
    begin(app.test_client(), path)
    expect(started).to_have_text(str(before + 1), timeout=15_000)
    assert page.evaluate("window.untouched") is True and not complaints
