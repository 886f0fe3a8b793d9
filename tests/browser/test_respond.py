"""The respondent's pages in a browser: what people do on them, with the mouse and without."""

from __future__ import annotations

import pytest

from tests import builders
from tests.browser.measures import answer, leave


@pytest.mark.parametrize(("study", "least"), [("pastry", 21), ("all_kinds", 22)])
def test_a_whole_study_with_the_keyboard_only(served, open_page, study, least):
    """Tab, arrows, space, digits and Enter are enough, on a phone-sized screen."""
    app, address = served
    page = open_page(width=360)
    page.goto(address + builders.open_link(app, study, slug=f"keyboard-{study}"))
    focus_on(page, "form button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    steps = 0
    while page.locator("form").count():
        steps += 1
        answer_by_keyboard(page)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert not page.locator(".error-summary").count(), page.locator(
            ".error-summary"
        ).inner_text()
        assert steps < 40
    assert page.get_by_role("heading", name="Thank you").count()
    assert steps >= least


def focus_on(page, selector: str, *, presses: int = 60) -> None:
    """Press Tab until something is in focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


FOCUSED = """() => {
  const e = document.activeElement;
  const ring = x => x && getComputedStyle(x).outlineStyle !== 'none';
  const seen = ring(e) || ring(e.closest('.card')) || ring(e.labels?.[0]);
  return [e.tagName, e.type || '', e.name || '', seen];
}"""


def answer_by_keyboard(page) -> None:
    """Go through a page with Tab; choose with arrows and space; stop on the Continue button."""
    done: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        tag, kind, name, seen = page.evaluate(FOCUSED)
        if tag == "BUTTON":
            return
        if tag in ("INPUT", "TEXTAREA", "SELECT"):
            assert seen, f"{name} shows no focus"
        if name and name not in done and not name.endswith("~refused"):
            press(page.keyboard, kind, name, done)
        done.append(name)
    raise AssertionError("no Tab leads to the Continue button")


def press(keyboard, kind: str, name: str, done: list[str]) -> None:
    """Answer the field in focus; the best of a set is its first item, the worst its second."""
    question = name.partition(".")[0]
    before = sum(1 for other in dict.fromkeys(done) if other.startswith(f"{question}."))
    if kind == "radio":
        keyboard.press("Space")
        # Yes to taking part, and to the shop that is asked about next.
        if name not in ("best", "consent", "linking", "where", "bought"):
            keyboard.press("ArrowDown")
    elif kind == "checkbox" and "nothing" not in name:
        keyboard.press("Space")
    elif kind == "select-one":
        keyboard.press(str(before + 1) if question != "favourites" or before < 2 else "Home")
    elif kind == "date":
        keyboard.type("02282026")
    elif question == "money":
        keyboard.type("0" if before else "100")
    elif kind == "text":
        keyboard.type("1980" if "year" in name else "5")


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


def test_another_language_keeps_what_was_typed_and_the_page(served, open_page):
    """Half-filled, with nothing sent yet; Enter in a field still means Continue."""
    app, address = served
    study = builders.small_study(
        "  - {id: first, questions: [{id: consent, kind: consent, text: {en: In, de: Dabei}}]}\n"
        "  - {id: second, title: {en: Spending, de: Ausgaben}, questions: [\n"
        "      {id: spent, kind: number, text: {en: How much, de: Wie viel}},\n"
        "      {id: wish, kind: short_text, text: {en: A wish, de: Ein Wunsch}}]}\n",
        languages="[en, de]",
    )
    builders.publish(app, study)
    page = open_page(width=390)
    page.goto(address + builders.open_link(app, "small", slug="switch") + "?lang=de")
    leave(page, "button", "Beginnen")
    answer(page)
    leave(page, "button", "Weiter")
    page.get_by_label("Wie viel").fill("1234,5")
    page.get_by_label("Ein Wunsch").fill("Brot & <Butter>")
    page.locator("summary").click()
    leave(page, "button", "English")
    assert page.locator("html").get_attribute("lang") == "en" and page.url.endswith("/second")
    assert page.get_by_label("How much").input_value() == "1234.5"
    assert page.get_by_label("A wish").input_value() == "Brot & <Butter>"
    page.get_by_label("A wish").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.get_by_role("heading", name="Thank you").count()
