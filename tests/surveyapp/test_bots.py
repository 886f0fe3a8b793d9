"""Bots on the real pages: every page is accepted, and what is stored is what was meant."""

from datetime import UTC, datetime

import pytest

from analysis.study import read_study
from surveyapp.bots import AnyPersona, BotStuck, Visit, read_page, walk, walk_all
from surveyapp.store import answers, respondents, studies
from tests import builders


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path)
    builders.publish(made)
    builders.publish(made, read_study(builders.ALL_KINDS))
    builders.publish(made, read_study(builders.BRANDS))
    yield made
    builders.close(made)


def people(app, study="pastry"):
    with builders.store_of(app).read() as c:
        return list(respondents.of_study(c, study))


STUDIES = [builders.PASTRY, builders.ALL_KINDS, builders.BRANDS]


@pytest.mark.parametrize("path", STUDIES, ids=["pastry", "all-kinds", "brands"])
@pytest.mark.parametrize("link", [builders.open_link, builders.personal_link])
def test_a_bot_walks_every_page_to_the_end(app, path, link):
    study = read_study(path)
    sent = walk(app.test_client(), link(app, study.study), study, AnyPersona(study, 3))
    (person,) = people(app, study.study)
    assert person.ended == "complete"
    assert sent == person.turn + 1  # the start page has no turn


def test_what_a_bot_chose_is_stored_with_the_alternatives_it_saw(app):
    class Cheapest(AnyPersona):
        def choose(self, exercise, alternatives):
            numbers = [exercise.attribute("price").level(a["price"]).number for a in alternatives]
            return numbers.index(min(numbers)) + 1

    study = builders.pastry()
    walk(app.test_client(), builders.personal_link(app), study, Cheapest(study, 1))
    with builders.store_of(app).read() as c:
        stored = list(answers.choices_of_study(c, "pastry"))
        tasks = {(t.block, t.task): t for t in studies.all_tasks(c, "pastry", 1)}
    assert len(stored) == 12
    for given in stored:
        shown = tasks[given.block, given.task].alternatives
        prices = [alternative["price"] for alternative in shown]
        assert prices[given.chosen - 1] == min(prices)


def test_a_bot_answers_at_its_own_time_and_may_leave_early(app):
    study = builders.pastry()
    at = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)
    path = builders.personal_link(app, customer="c1")
    walk(app.test_client(), path, study, AnyPersona(study, 1), most=3, at=at)
    (person,) = people(app)
    assert (person.turn, person.ended) == (3, None)
    assert person.started.startswith("2026-08-01T09:30")


def test_a_refused_page_stops_the_bot_with_what_the_page_said(app):
    class Wrong(AnyPersona):
        def answer(self, question, item):
            return "11" if question.kind == "nps" else super().answer(question, item)

    study = builders.pastry()
    with pytest.raises(BotStuck, match=r"verdict.*422"):
        walk(app.test_client(), builders.personal_link(app), study, Wrong(study, 1))


def test_reading_a_page_finds_its_fields_and_cards():
    page = (
        '<form method="post" action="/a/x/p&amp;1"><input type="hidden" name="turn" value="2">'
        '<input type="radio" id="a" name="q" value="1" checked><textarea name="t" rows="5">'
        '</textarea><dl id="levels-1"><div><dt>Look</dt><dd><bdi>Plain &amp; simple</bdi></dd>'
        "</div></dl></form>"
    )
    drawn = read_page(page)
    assert drawn.action == "/a/x/p&1"
    assert drawn.hidden == {"turn": "2"}
    assert drawn.offered == {"q": ["1"], "t": []}
    assert drawn.cards == ({"Look": "Plain & simple"},)


def test_many_bots_answer_in_several_processes(app, tmp_path):
    study = builders.pastry()
    paths = [builders.personal_link(app, customer=f"{n:032x}") for n in range(7)]
    visits = [Visit(path, AnyPersona(study, n)) for n, path in enumerate(paths)]
    counts = list(walk_all(builders.make_settings(tmp_path), study, visits, processes=2))
    assert counts[-1] == 7
    assert [person.ended for person in people(app)] == ["complete"] * 7
    assert len({person.sequence for person in people(app)}) == 7


def test_bots_walk_every_page_of_a_study_of_loops_skips_and_checks(app):
    study = read_study(builders.BRANDS)
    for n in range(12):
        path = builders.personal_link(app, "brands", customer=f"{n:032x}")
        walk(app.test_client(), path, study, AnyPersona(study, n))
    with builders.store_of(app).read() as c:
        asked = {answer.question for _, answer in answers.of_study(c, "brands")}
    assert {person.ended for person in people(app, "brands")} <= {"complete", "screened_out"}
    # Which two of the known brands are drawn is chance; of every question some brand is asked.
    named = {question.id.partition("__")[0] for question in study.questions()}
    assert named - {question.partition("__")[0] for question in asked} <= {"worst"}
