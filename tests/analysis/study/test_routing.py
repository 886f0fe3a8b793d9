"""The way through a study: conditions, going back and taking another way, screen-outs."""

import itertools

from analysis.study import parse_study
from analysis.study.routing import (
    asked_questions,
    declined,
    screened_out,
    step_after,
    step_before,
    steps,
)

STUDY = parse_study("""
study: s
title: T
constructs: [{id: fun, label: Fun, facet: emotional_value}]
pages:
  - id: start
    questions:
      - {id: consent, kind: consent, text: Agree}
      - id: pet
        kind: single_choice
        text: Which pet
        options: [{id: cat, label: Cat}, {id: dog, label: Dog}, {id: none, label: None}]
  - id: cats
    show_if: pet == "cat"
    questions:
      - {id: purrs, kind: rating, least: 1, greatest: 5, text: P, low_label: L, high_label: H}
  - id: dogs
    show_if: pet == "dog"
    questions:
      - {id: barks, kind: rating, least: 1, greatest: 5, text: B, low_label: L, high_label: H}
  - id: loud
    show_if: purrs >= 4 or barks >= 4
    screen_out_if: purrs == 5 or noise == "yes"
    questions:
      - {id: noise, kind: consent, purpose: linking, text: Too loud}
  - id: joy
    questions:
      - id: up
        kind: rating
        least: 1
        greatest: 5
        text: U
        low_label: L
        high_label: H
        measures: fun
      - id: down
        kind: rating
        least: 1
        greatest: 5
        text: D
        low_label: L
        high_label: H
        measures: fun
        reversed: true
  - id: happy
    show_if: mean(fun) > 4
    questions: [{id: why, kind: short_text, text: Why, required: false}]
  - {id: tasks, exercise: e}
  - {id: wave, show_if: respondent.wave == "w2", text: Second wave}
  - id: last
    questions:
      - {id: words, kind: short_text, text: W, show_if: not answered(why)}
exercises:
  - id: e
    question: Q
    tasks: 2
    holdouts: 1
    attributes: [{id: a, label: A, levels: [1, 2]}]
""")
NOBODY = {"language": "en", "wave": "", "cell": ""}


def answers(**given):
    return {(question, ""): str(value) for question, value in given.items()}


def way(respondent=NOBODY, **given):
    return [step.id for step in steps(STUDY, answers(**given), respondent)]


TASKS = ["tasks.1", "tasks.2", "tasks.3"]


def test_the_way_without_answers_has_only_what_is_unconditional():
    assert way() == ["start", "joy", *TASKS, "last"]


def test_the_way_follows_the_answers():
    assert way(pet="cat", purrs=3)[:3] == ["start", "cats", "joy"]
    assert way(pet="cat", purrs=4)[:4] == ["start", "cats", "loud", "joy"]
    assert way(pet="dog", barks=5)[:4] == ["start", "dogs", "loud", "joy"]


def test_answers_of_a_way_left_behind_no_longer_count():
    """First a loud cat, then back and a dog: the cat's answer stays stored but opens no page."""
    assert "loud" not in way(pet="dog", purrs=5)
    assert "loud" not in way(pet="none", purrs=5, barks=5)
    assert "loud" in way(pet="cat", purrs=5, barks=1)
    assert asked_questions(STUDY, answers(pet="dog", purrs=5), NOBODY) >= {"barks"}
    assert "purrs" not in asked_questions(STUDY, answers(pet="dog", purrs=5), NOBODY)


def test_answers_of_a_way_left_behind_screen_nobody_out():
    page = STUDY.page("loud")
    assert screened_out(STUDY, page, answers(pet="cat", purrs=5), NOBODY)
    assert not screened_out(STUDY, page, answers(pet="dog", purrs=5, barks=4), NOBODY)
    assert screened_out(STUDY, page, answers(pet="dog", barks=4, noise="yes"), NOBODY)
    assert not screened_out(STUDY, STUDY.page("joy"), answers(pet="cat", purrs=5), NOBODY)


def test_the_mean_of_a_construct_turns_reversed_items():
    assert "happy" in way(up=5, down=1)
    assert "happy" not in way(up=5, down=3)
    assert "happy" not in way()
    assert "happy" in way(up=5)


def test_a_page_without_any_shown_question_is_passed_over():
    assert "last" in way(up=5, down=1)
    assert "last" not in way(up=5, down=1, why="so")


def test_facts_of_the_respondent_count():
    assert "wave" in way(NOBODY | {"wave": "w2"})
    assert "wave" not in way()


def test_forwards_and_backwards():
    given = answers(pet="cat", purrs=2)
    order = [step.id for step in steps(STUDY, given, NOBODY)]
    for here, after in itertools.pairwise(order):
        assert step_after(STUDY, here, given, NOBODY).id == after
        assert step_before(STUDY, after, given, NOBODY).id == here
    assert step_after(STUDY, order[-1], given, NOBODY) is None
    assert step_before(STUDY, order[0], given, NOBODY) is None


def test_after_a_change_of_way_the_next_step_is_on_the_new_one():
    """'cats' is no longer on the way; what follows it is the next page that is."""
    given = answers(pet="dog", purrs=2)
    assert step_after(STUDY, "start", given, NOBODY).id == "dogs"
    assert step_after(STUDY, "cats", given, NOBODY).id == "dogs"


def test_declining_consent():
    assert declined(STUDY, answers(consent="no"))
    assert not declined(STUDY, answers(consent="yes"))
    assert not declined(STUDY, answers(noise="no"))
