"""A served app and a real browser."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from waitress import wasyncore
from waitress.server import create_server

from tests import builders

SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items):
    missing = not Path(CHROMIUM).exists()
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if missing and os.environ.get("REQUIRE_BROWSER") != "1":
            item.add_marker(pytest.mark.skip(reason=f"Chromium is missing ({CHROMIUM})"))


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """(app, address) of the app with the demo study and the one of all question kinds."""
    app = builders.make_app(tmp_path_factory.mktemp("served"))
    builders.publish(app)
    builders.publish(app, builders.read_study(builders.ALL_KINDS))
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield app, f"http://127.0.0.1:{server.effective_port}"
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
    thread.join(timeout=10)
    server.task_dispatcher.shutdown()
    builders.close(app)


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a file: while it is open, no test can run a loop of its own."""
    from playwright.sync_api import sync_playwright

    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser):
    """Open a page: ``open_page(width=360, color_scheme="dark", forced_colors="active")``."""
    contexts = []

    def make(width: int = 360, height: int = 800, **more):
        # The policy is lifted here only so that axe may be put into the page.
        context = browser.new_context(
            viewport={"width": width, "height": height}, bypass_csp=True, **more
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        return page

    yield make
    for context in contexts:
        context.close()
