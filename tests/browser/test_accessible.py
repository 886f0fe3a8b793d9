"""Every kind of question, task and end in every variant: axe finds nothing, nothing is too small,
nothing leaves the screen."""

from __future__ import annotations

import pytest

from analysis.study.routing import tasks_shown
from surveyapp.bots import AnyPersona, walk
from tests import builders
from tests.browser.conftest import SCREENSHOTS
from tests.browser.measures import large_text, look_at

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

VARIANTS = {
    "phone": {"width": 390},
    "wide": {"width": 1280},
    "right-to-left": {"width": 390},
    "dark": {"width": 390, "color_scheme": "dark"},
    "forced-colours": {"width": 390, "forced_colors": "active"},
    # 1280 px at 400 %, or a small phone at 200 %: WCAG 1.4.10.
    "zoom": {"width": 320, "height": 256},
}
TASKS = ("weighing.2", "buying.2", "ranking.2", "judging.2", "typing.2")
EMPTY = """() => {
  for (const e of document.querySelectorAll('form input, form textarea, form select')) {
    if (e.type === 'radio' || e.type === 'checkbox') e.checked = false;
    else if (e.type !== 'hidden') e.value = '';
  }
}"""


def bank(languages: tuple[str, ...]):
    """All kinds of question on one page, then all kinds of task; also a rating that is typed."""
    study = builders.read_study(builders.ALL_KINDS)
    consent, *others = [page for page in study.pages if page.questions]
    every = tuple(q.model_copy(update={"show_if": None}) for p in others for q in p.questions)
    page = others[0].model_copy(update={"id": "every", "questions": every})
    tasks = [page for page in study.pages if page.exercise]
    typed = study.exercise("breakfast").model_copy(update={"id": "typed", "greatest": 100})
    pages = (
        consent,
        page,
        *tasks,
        tasks[-1].model_copy(update={"id": "typing", "exercise": "typed"}),
    )
    changes = {"study": f"bank_{languages[0]}", "languages": languages, "pages": pages}
    return study.model_copy(update={**changes, "exercises": (*study.exercises, typed)})


@pytest.fixture(scope="module")
def homes(served):
    """Addresses of respondents who answered all but the last page, by language of the page."""
    app, address = served
    found = {}
    for languages in (("en", "ar"), ("ar", "en")):
        study = bank(languages)
        builders.publish(app, study)
        home = builders.personal_link(app, study.study, customer=study.study)
        steps = sum(tasks_shown(study, page) or 1 for page in study.pages)
        browser = app.test_client()
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = languages[0]
        walk(browser, home, study, AnyPersona(study, seed=4), most=steps - 2)
        found[languages[0]] = address + home
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_question_and_task(homes, open_page, variant):
    home = homes["ar" if variant == "right-to-left" else "en"]
    page = open_page(**VARIANTS[variant])
    axe = axe_playwright.Axe()
    found = []
    for step in ("every", *TASKS):
        page.goto(f"{home}/{step}")
        assert page.url.endswith(step)
        found += look_at(page, f"{variant}-{step}", axe, SCREENSHOTS)
        if variant in ("phone", "right-to-left"):
            found += large_text(page, step)
        page.evaluate(EMPTY)
        with page.expect_navigation():
            page.locator("form > button").last.click()
        assert page.locator(".error-summary a").count(), step
        if variant in ("phone", "right-to-left", "dark"):
            found += look_at(page, f"{variant}-{step}-error", axe, SCREENSHOTS)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("variant", VARIANTS)
def test_starts_results_and_other_ends(served, open_page, results, variant):
    _, address = served
    page = open_page(**VARIANTS[variant])
    axe = axe_playwright.Axe()
    language = "ar" if variant == "right-to-left" else "de"
    found = []
    for name, path in results.items():
        page.goto(f"{address}{path}?lang={language}")
        assert page.locator("html").get_attribute("lang") == language
        if page.locator("summary").count():
            page.locator("summary").click()
        found += look_at(page, f"{variant}-{name}", axe, SCREENSHOTS)
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def results(served):
    """A start page, a page of results, and an end without a study."""
    app, _ = served
    study = builders.read_study(builders.SELF_ASSESSMENT)
    builders.publish(app, study)
    home = builders.personal_link(app, study.study)
    walk(app.test_client(), home, study, AnyPersona(study, seed=4))
    return {
        "start": builders.open_link(app, study.study, slug="care"),
        "results": home,
        "withdraw": home.replace("/a/", "/withdraw/"),
        "end": "/s/no",
    }
