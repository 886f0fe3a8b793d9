"""The respondent's pages in a browser: what people do on them, with the mouse and without."""

from __future__ import annotations

import pytest

from tests import builders
from tests.browser.measures import answer, leave


def test_the_whole_demo_study_with_the_keyboard_only(served, open_page):
    """Tab, arrows, space and Enter are enough, on a phone-sized screen."""
    app, address = served
    page = open_page(width=360)
    page.goto(address + builders.open_link(app, slug="keyboard"))
    keyboard = page.keyboard
    focus_on(page, "button")
    with page.expect_navigation():
        keyboard.press("Enter")
    steps = 0
    while page.locator("form").count():
        steps += 1
        answer_by_keyboard(page)
        with page.expect_navigation():
            keyboard.press("Enter")
        assert steps < 40
    assert page.get_by_role("heading", name="Thank you").count()
    assert steps >= 9 + 12


def focus_on(page, selector: str, *, presses: int = 60) -> None:
    """Press Tab until something is in focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


def answer_by_keyboard(page) -> None:
    """Go through a page with Tab; choose with arrows and space; stop on the Continue button."""
    done = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.tagName, e.type || '', e.name || '', e.id || '']; }"
        )
        tag, kind, name, _ = here
        if tag == "BUTTON":
            return
        if kind == "radio" and name not in done:
            page.keyboard.press("Space")
            if name != "best":
                page.keyboard.press("ArrowDown")
            # Take part: back to yes, which the first press chose.
            if name in ("consent", "linking"):
                page.keyboard.press("ArrowUp")
        elif kind == "checkbox" and name not in done:
            page.keyboard.press("Space")
        elif kind == "text":
            page.keyboard.type("1980")
        if tag in ("INPUT", "TEXTAREA"):
            assert page.evaluate(
                "() => { const e = document.activeElement;"
                " const ring = x => x && getComputedStyle(x).outlineStyle !== 'none';"
                " return ring(e) || ring(e.closest('.card')) || ring(e.labels[0]); }"
            ), f"{name} shows no focus"
        done.add(name)
    raise AssertionError("no Tab leads to the Continue button")


def test_the_whole_card_can_be_clicked(served, open_page):
    app, address = served
    page = open_page(width=1280)
    page.goto(address + builders.open_link(app, slug="cards"))
    leave(page, "button", "Start")
    while "choices" not in page.url:
        answer(page)
        leave(page, "button", "Continue")
    box = page.locator(".card").nth(1).locator("dd").last.bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert page.get_by_role("radio", name="Option B").is_checked()
    leave(page, "button", "Continue")
    assert page.get_by_text("You chose B.").is_visible()
    leave(page, "link", "Back")
    assert page.get_by_role("radio", name="Option B").is_checked()


def test_errors_are_in_focus_and_lead_to_the_field(served, open_page):
    app, address = served
    page = open_page(width=360)
    page.goto(address + builders.open_link(app, slug="errors"))
    leave(page, "button", "Start")
    leave(page, "button", "Continue")
    assert page.title().startswith("Error: ")
    page.wait_for_function("document.activeElement.className === 'error-summary'")
    page.get_by_role("link", name="Choose yes or no").first.click()
    assert page.evaluate("document.activeElement.id || location.hash.slice(1)") == "consent-1"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_running_total_helps_and_is_not_needed(served, open_page, script):
    app, address = served
    page = open_page(width=360, java_script_enabled=script)
    page.goto(address + builders.open_link(app, "all_kinds", slug=f"total-{script}"))
    leave(page, "button", "Start")
    while "sorting" not in page.url:
        answer(page)
        leave(page, "button", "Continue")
    said = page.locator(".total output")
    assert said.is_visible() is script
    page.get_by_label("Pleasure").fill("70")
    page.get_by_label("Time saved").fill("20")
    if script:
        assert said.inner_text() == "now 90"
    for n, name in enumerate(("Taste", "Price", "Service"), start=1):
        page.get_by_label(name).select_option(str(n))
    leave(page, "button", "Continue")
    assert page.get_by_role("link", name="now they make 90, 10 are left").is_visible()
    page.get_by_label("Time saved").fill("30")
    leave(page, "button", "Continue")
    assert "feeling" in page.url


def test_the_policy_blocks_nothing_a_page_needs(served, browser):
    """With the policy in force: stylesheets load, and the console reports no refusal."""
    app, address = served
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address + builders.open_link(app, slug="policy"))
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).fontWeight") == "600"
    context.close()
    assert not said
