"""Every kind: what is accepted, what is stored, what comes back."""

import pytest
from werkzeug.datastructures import MultiDict

from analysis.study.questions import KINDS as STUDY_KINDS
from analysis.study.routing import Step
from surveyapp.questions.forms import asks, prefilled, read_form
from surveyapp.questions.kinds import KINDS, Ask
from tests import builders

STUDY = builders.read_study(builders.ALL_KINDS)
MACROS = (builders.ROOT / "templates/macros/questions.html").read_text()


def read(question_id: str, *pairs: tuple[str, str]):
    question = STUDY.question(question_id)
    return read_form(asks(STUDY, [question], "en"), MultiDict(pairs))


def test_every_kind_of_the_study_has_an_entry_a_macro_and_words():
    assert set(KINDS) == set(STUDY_KINDS)
    for question in STUDY.questions():
        kind = KINDS[question.kind]
        assert f"macro {kind.macro}(ask, form" in MACROS and kind.about.endswith(".")
        assert kind.act(Ask(STUDY, question, "en"))
    assert {q.kind for q in STUDY.questions()} == set(STUDY_KINDS), "the example has every kind"


LIKED = ("buns", "cakes", "bread", "biscuits", "nothing")
ACCEPTED = [
    ("consent", [("consent", "no")], {("", "no", "answered")}),
    ("where", [("where", "market")], {("", "market", "answered")}),
    ("where", [("where", "~refused")], {("", None, "refused")}),
    ("often", [("often", " 12 ")], {("", "12", "answered")}),
    ("name", [("name", "  ")], {("", None, "skipped")}),
    ("statement", [], {("", None, "skipped")}),
    ("statement", [("statement", "5")], {("", "5", "answered")}),
    ("stars", [("stars", "7")], {("", "7", "answered")}),
    ("recommend", [("recommend", "0")], {("", "0", "answered")}),
    ("last_visit", [("last_visit", "2026-02-28")], {("", "2026-02-28", "answered")}),
    (
        "statements",
        [("statements.fresh", "1"), ("statements.stale", "~refused")],
        {("fresh", "1", "answered"), ("stale", None, "refused")},
    ),
    ("worth", [("worth", " 40 ")], {("", "40", "answered")}),
    ("worth", [], {("", None, "skipped")}),
    (
        "image",
        [("image.modern", "1"), ("image.warm", "7")],
        {("modern", "1", "answered"), ("warm", "7", "answered")},
    ),
    (
        "order",
        [("order.taste", "2"), ("order.price", "3"), ("order.service", "1")],
        {("taste", "2", "answered"), ("price", "3", "answered"), ("service", "1", "answered")},
    ),
    (
        "order",
        [("order.~refused", "~refused")],
        {(i, None, "refused") for i in ("taste", "price", "service")},
    ),
    (
        "favourites",
        [("favourites.bread", "1"), ("favourites.cakes", "2")],
        {
            ("bread", "1", "answered"), ("cakes", "2", "answered"),
            ("buns", "0", "answered"), ("biscuits", "0", "answered"),
        },
    ),
    (
        "favourites",
        [("favourites.bread", "")],
        {(i, None, "skipped") for i in ("bread", "cakes", "buns", "biscuits")},
    ),
    (
        "money",
        [("money.pleasure", "70"), ("money.time", "30")],
        {("pleasure", "70", "answered"), ("quality", "0", "answered"), ("time", "30", "answered")},
    ),
    (
        "liked",
        [("liked", "nothing")],
        {(i, str(int(i == "nothing")), "answered") for i in LIKED},
    ),
    (
        "liked",
        [("liked.~refused", "~refused")],
        {(i, None, "refused") for i in LIKED},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("question", "sent", "rows"), ACCEPTED)
def test_accepted_and_shown_again(question, sent, rows):
    filled = read(question, *sent)
    assert not filled.errors
    assert {(r.item, r.value, r.status) for r in filled.records} == rows
    stored = {(r.question, r.item): r for r in filled.records}
    shown = prefilled(asks(STUDY, [STUDY.question(question)], "en"), stored)
    again = read(question, *((name, v) for name, values in shown.items() for v in values))
    assert again.records == filled.records


@pytest.mark.parametrize(
    ("question", "sent", "act"),
    [
        ("consent", [], "Choose yes or no"),
        ("consent", [("consent", "maybe")], "Choose yes or no"),
        ("where", [("where", "~skipped")], "Choose an answer"),
        ("liked", [], "Choose 1 to 3 answers"),
        ("liked", [("liked", v) for v in ("buns", "cakes", "bread", "biscuits")], "Choose 1 to 3"),
        ("liked", [("liked", "buns"), ("liked", "nothing")], "Choose “None of these” alone"),
        ("liked", [("liked", "buns"), ("liked.~refused", "~refused")], "not both"),
        ("often", [("often", "101")], "Enter a whole number from 0 to 100"),
        ("often", [("often", "2.5")], "Enter a whole number from 0 to 100"),
        ("often", [("often", "nan")], "Enter a whole number"),
        ("name", [("name", "x" * 201)], "at most 200 characters"),
        ("name", [("name", "x\x00")], "at most 200 characters"),
        ("statements", [("statements.fresh", "1")], "Choose how much you agree"),
        ("worth", [("worth", "101")], "Enter a whole number from 0 to 100"),
        ("worth", [("worth", "-0")], "Enter a whole number from 0 to 100"),
        ("image", [("image.modern", "1")], "Choose one of the steps"),
        ("image", [("image.modern", "8"), ("image.warm", "1")], "Choose one of the steps"),
        ("order", [], "Give each place from 1 to 3 to exactly one"),
        ("order", [("order.taste", "1"), ("order.price", "1"), ("order.service", "2")], "exactly"),
        ("order", [("order.taste", "1"), ("order.price", "2")], "Give each place from 1 to 3"),
        ("order", [("order.taste", "0"), ("order.price", "1"), ("order.service", "2")], "Choose a"),
        ("order", [("order.taste", "4")], "Choose a place from 1 to 3"),
        ("order", [("order.taste", "1"), ("order.~refused", "~refused")], "not both"),
        ("favourites", [("favourites.buns", "1")], "Give each place from 1 to 2"),
        ("favourites", [("favourites.buns", "3")], "Choose a place from 1 to 2"),
        ("money", [], "Let the numbers add up to 100: now they make 0, 100 are left"),
        ("money", [("money.pleasure", "60"), ("money.time", "50")], "10 are too many"),
        ("money", [("money.pleasure", "-5"), ("money.time", "105")], "Enter a whole number"),
        ("money", [("money.pleasure", "1e2")], "Enter a whole number from 0 to 100"),
        ("stars", [("stars", "0")], "Choose a number from 1 to 7"),
        ("recommend", [("recommend", "11")], "Choose a number from 0 to 10"),
        ("recommend", [("recommend", "9" * 5000)], "Choose a number from 0 to 10"),
        ("last_visit", [("last_visit", "31.1.2026")], "Enter a date from Jan 1, 2020"),
        ("last_visit", [("last_visit", "2019-12-31")], "Enter a date from Jan 1, 2020"),
    ],
)
def test_refused_with_what_to_do(question, sent, act):
    filled = read(question, *sent)
    assert filled.records == () and filled.errors
    assert act in next(iter(filled.errors.values()))


def test_a_decimal_comma_is_understood():
    study = builders.small_study(
        "  - {id: p, questions: [{id: consent, kind: consent, text: C},\n"
        "      {id: n, kind: number, text: N}]}\n"
    )
    filled = read_form(asks(study, [study.question("n")], "en"), MultiDict([("n", "2,5")]))
    assert filled.records[0].value == "2.5"


def test_only_the_step_s_own_questions_are_read():
    page = STUDY.page("choosing")
    step = Step(page, page.questions[:1])
    sent = MultiDict([("where", "shop"), ("liked", "buns"), ("consent", "no")])
    filled = read_form(asks(STUDY, step.questions, "en"), sent)
    assert {r.question for r in filled.records} == {"where"}
