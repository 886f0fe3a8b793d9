"""What is measured on a page besides axe, and how a page is answered."""

from __future__ import annotations

WIDER_THAN_THE_SCREEN = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.clipped, .word, .column, dt, .scroll > table'))
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
  const all = 'a, button:not(.clipped), input:not([type=hidden]), select, textarea, summary';
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


def look_at(page, name: str, axe, folder) -> list[str]:
    """Everything wrong with a page; also takes its picture."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    found = [
        f"{name} {v['id']}: {v['nodes'][0]['html']}" for v in axe.run(page).response["violations"]
    ]
    found += [f"{name} small: {x}" for x in page.evaluate(SMALL_TARGETS)]
    found += [f"{name} wide: {x}" for x in page.evaluate(WIDER_THAN_THE_SCREEN)]
    found += [f"{name} broken: {x}" for x in page.evaluate(BROKEN_WORDS)]
    return found


def large_text(page, name: str) -> list[str]:
    """What sticks out or breaks with text of twice the size."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found = [f"{name} at 200 %: {x}" for x in page.evaluate(WIDER_THAN_THE_SCREEN)]
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
