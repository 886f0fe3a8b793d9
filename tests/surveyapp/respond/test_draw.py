"""The page of a step, as the preview draws it."""

import pytest

from analysis.study.routing import steps
from surveyapp.respond.draw import Screen, draw_step, is_compact, progress
from tests import builders


def test_a_preview_has_no_form_to_send(app):
    study = builders.pastry()
    page = study.page("choices")
    step = next(s for s in steps(study, {}, {}) if s.page is page)
    task = builders.simple_tasks(study.choice_exercise())[0]
    with app.test_request_context():
        html = draw_step(study, step, Screen(task=task, onward="/next"))
    assert "Preview: nothing is stored" in html and "csrf_token" not in html
    assert 'href="/next"' in html and "<button" not in html
    shown = study.choice_exercise().attribute("price").level(task.alternatives[1]["price"]).label
    assert str(shown) in html


def test_every_step_of_both_examples_can_be_drawn(app):
    for study in (builders.pastry(), builders.read_study(builders.ALL_KINDS)):
        tasks = {e.id: builders.simple_tasks(e)[0] for e in study.exercises}
        for step in steps(study, {}, {}):
            with app.test_request_context():
                html = draw_step(study, step, Screen(task=tasks.get(step.page.exercise)))
            assert html.count("<h1") == 1


@pytest.mark.parametrize("recommend", ["3", "9"])
def test_the_total_never_moves_and_progress_never_goes_back(recommend):
    study = builders.pastry()
    way = [progress(study, s) for s in steps(study, {("recommend", ""): recommend}, {})]
    assert len({p.total for p in way}) == 1
    assert [p.done for p in way] == sorted(p.done for p in way)
    assert way[0].words == "Part 1 of 9" and way[5].words == "Choice 1 of 12"


def test_long_labels_are_not_squeezed_side_by_side():
    study = builders.pastry()
    assert is_compact(study, study.choice_exercise())
    study = builders.read_study(builders.ALL_KINDS)
    assert not is_compact(study, study.choice_exercise())
