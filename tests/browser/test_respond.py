"""The respondent's pages in a browser: accessible, large enough, never wider than the screen."""

from __future__ import annotations

import pytest

from tests import builders

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
SCREENSHOTS = builders.ROOT / "tests" / "browser" / "screenshots"

LOOKS = {
    "phone": {"width": 360},
    "wide": {"width": 1280},
    "dark": {"width": 360, "color_scheme": "dark"},
    "forced": {"width": 360, "forced_colors": "active"},
}
SHOWN_WITH_ERRORS = (
    "welcome",
    "habits",
    "choosing",
    "sorting",
    "feeling",
    "rating",
    "verdict",
    "choices.1",
    "shop",
    "buying.1",
    "ranking.1",
    "judging.1",
)
WIDER_THAN_THE_SCREEN = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.clipped, .word, .column, dt'))
    .filter(e => e.getBoundingClientRect().right > wide + 1)
    .map(e => e.tagName + '.' + e.className).concat(
      document.documentElement.scrollWidth > wide ? ['the page'] : []);
}"""
# The target of an answer is its input together with its label (and the card that it covers).
SMALL_TARGETS = """() => {
  const area = e => {
    const b = e.getBoundingClientRect();
    return [b.left, b.top, b.right, b.bottom];
  };
  const join = (a, b) => a.map((x, n) => (n < 2 ? Math.min : Math.max)(x, b[n]));
  const found = [];
  const all = 'a, button, input:not([type=hidden]), select, textarea';
  for (const e of document.querySelectorAll(all)) {
    const answer = e.matches('input, select, textarea');
    let box = area(e);
    if (e.matches('[type=radio], [type=checkbox]')) {
      box = join(box, area(document.querySelector(`label[for="${e.id}"]`)));
      if (e.closest('.card')) box = join(box, area(e.closest('.card')));
    }
    const least = answer || e.matches('button, .button') ? 44 : 24;
    const [w, h] = [box[2] - box[0], box[3] - box[1]];
    if (Math.min(w, h) < least - 0.5) found.push(`${e.tagName} ${e.id} ${w} x ${h}`);
  }
  return found;
}"""
# A word is broken when its letters stand on more than one line.
BROKEN_WORDS = """() => {
  const broken = [];
  const cells = '.card dd, .card dt, .option label, .best-worst th';
  for (const cell of document.querySelectorAll(cells)) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const word of walker.currentNode.data.matchAll(/[^\\s-]+/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, word.index);
        range.setEnd(walker.currentNode, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
        if (lines.size > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


def look_at(page, name: str, look: str, axe) -> list[str]:
    """Everything wrong with a page; also takes its picture."""
    page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True)
    found = [
        f"{name} {v['id']}: {v['nodes'][0]['html']}" for v in axe.run(page).response["violations"]
    ]
    found += [f"{name} small: {x}" for x in page.evaluate(SMALL_TARGETS)]
    found += [f"{name} wide: {x}" for x in page.evaluate(WIDER_THAN_THE_SCREEN)]
    found += [f"{name} broken: {x}" for x in page.evaluate(BROKEN_WORDS)]
    return found


def narrow(page, name: str, width: int) -> list[str]:
    """What sticks out at half the width, and with text of twice the size."""
    found = []
    page.set_viewport_size({"width": 180, "height": 800})
    found += [f"{name} at 180: {x}" for x in page.evaluate(WIDER_THAN_THE_SCREEN)]
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found += [f"{name} at 200 %: {x}" for x in page.evaluate(WIDER_THAN_THE_SCREEN)]
    found += [f"{name} at 200 % broken: {x}" for x in page.evaluate(BROKEN_WORDS)]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


def leave(page, role: str, name: str) -> None:
    """Press what leads to the next page, and wait for that page."""
    with page.expect_navigation():
        page.get_by_role(role, name=name).click()


def answer(page) -> None:
    """Answer every question of the page."""
    for group in page.locator("fieldset:has(input[type=radio])").all():
        inputs = group.locator("input[type=radio]")
        page.locator(f'label[for="{inputs.nth(0).get_attribute("id")}"]').click()
    if page.locator(".best-worst").count():
        page.locator('label[for="worst-2"]').click()
    for group in page.locator("fieldset:has(input[type=checkbox])").all():
        group.locator("label").first.click()
    for field in page.locator("input[inputmode]").all():
        field.fill("1980" if "birth" in field.get_attribute("id") else "5")
    for rows in page.locator(".places").all():
        places = rows.locator("select")
        most = places.first.locator("option").count() - 1 if places.count() else 0
        for n in range(min(places.count(), most)):
            places.nth(n).select_option(str(n + 1))
        for n, field in enumerate(rows.locator("input").all()):
            field.fill("0" if n else "100")
    for field in page.locator("input[type=date]").all():
        field.fill("2026-02-28")


@pytest.mark.parametrize(
    ("study", "look"),
    [*((s, look) for s in ("pastry", "all_kinds") for look in LOOKS), ("right_to_left", "phone")],
)
def test_every_page(served, open_page, study, look):
    app, address = served
    path = builders.open_link(app, study, slug=f"{study}-{look}")
    page = open_page(**LOOKS[look])
    axe = axe_playwright.Axe()
    page.goto(address + path)
    found = look_at(page, f"{study}-start", look, axe)
    leave(page, "button", "Start")
    seen = 0
    while page.locator("form").count():
        name = page.url.rsplit("/", 1)[1]
        task = int(name.partition(".")[2] or 0)
        if task < 3:
            if look == "phone" and name in SHOWN_WITH_ERRORS:
                leave(page, "button", "Continue")
                assert page.locator(".error-summary").count()
                found += look_at(page, f"{study}-{name}-error", look, axe)
            answer(page)
            found += look_at(page, f"{study}-{name}", look, axe)
            if look == "phone":
                found += narrow(page, name, LOOKS[look]["width"])
            seen += 1
        else:
            answer(page)
        leave(page, "button", "Continue")
    found += look_at(page, f"{study}-end", look, axe)
    assert not found, "\n".join(found)
    assert seen >= 9 and page.get_by_role("heading", name="Thank you").count()


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
