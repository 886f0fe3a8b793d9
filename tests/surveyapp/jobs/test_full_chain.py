"""Bots with known part-worths walk the real pages; what they chose comes out of the archive."""

from dataclasses import replace

import pytest

from analysis.choices.coding import coding_of
from analysis.rehearsal.person import planted_people
from analysis.rehearsal.population import population_of
from analysis.study import parse_study
from surveyapp.jobs.full_chain import walk_and_compare
from surveyapp.jobs.progress import JobFault
from tests import builders

SMALL = """
study: mugs
title: Mugs
pages:
  - id: start
    questions: [{id: consent, kind: consent, text: 'Do you take part?'}]
  - {id: choosing, exercise: mug}
exercises:
  - id: mug
    question: 'Which would you buy?'
    alternatives: 2
    tasks: 6
    none: {label: None of these}
    design: {method: shortcut, blocks: 4, seed: 3}
    priors:
      colour: {means: {red: 0, blue: 1}, sd: 0.5}
      price: {mean: -0.8, sd: 0.3}
    attributes:
      - {id: colour, label: Colour, levels: [{id: red, label: Red}, {id: blue, label: Blue}]}
      - {id: price, label: Price, tag: price, coding: linear, levels: [1, 2, 3]}
analysis:
  targets: {smallest_difference: 0.5, respondents: 100}
"""
OTHERS = """
  - id: wishes
    kind: best_worst
    question: 'Which matters most, and which least?'
    set_size: 3
    sets: 2
    design: {blocks: 2}
    items: [{id: a, label: A}, {id: b, label: B}, {id: c, label: C}, {id: d, label: D}]
  - id: mugs
    kind: ratings
    question: 'How do you like it?'
    profiles: 4
    design: {blocks: 2}
    attributes:
      - {id: colour, label: Colour, levels: [{id: red, label: Red}, {id: blue, label: Blue}]}
      - {id: size, label: Size, levels: [{id: small, label: Small}, {id: large, label: Large}]}
"""


def test_what_bots_chose_comes_out_of_the_archive_unaltered():
    found = walk_and_compare(parse_study(SMALL), bots=24, seed=1, progress=lambda *_: None)
    assert (found.bots, found.completed, found.choices, found.altered) == (24, 24, 144, 0)
    assert found.logit_distance > 0.001
    assert found.hb_distance > 0.001
    price = next(row for row in found.rows if row.attribute == "price")
    assert price.planted == -0.8
    assert -0.8 < price.limit < -0.5
    assert price.logit < 0


def test_shuffled_tasks_second_answers_and_other_kinds_come_out_unaltered_too():
    text = SMALL.replace(
        "none: {label: None of these}",
        "none: {label: None, response: dual, question: 'Buy?', yes_label: Buy}\n"
        "    attribute_order: random\n    alternative_order: random",
    )
    pages = "\n  - {id: sorting, exercise: wishes}\n  - {id: judging, exercise: mugs}\nexercises:"
    study = parse_study(text.replace("\nexercises:", f"{pages}{OTHERS}"))
    found = walk_and_compare(study, bots=24, seed=2, progress=lambda *_: None)
    assert (found.completed, found.choices, found.altered) == (24, 144, 0)
    assert found.logit_distance > 0.001


def test_too_few_who_complete_are_a_message():
    with pytest.raises(JobFault, match="0 of 3 bots completed"):
        screened = SMALL.replace(
            "    questions:", '    screen_out_if: consent == "yes"\n    questions:'
        )
        walk_and_compare(parse_study(screened), bots=3, seed=1, progress=lambda *_: None)


def test_a_planted_person_chooses_the_same_again_and_by_its_part_worths():
    study = parse_study(SMALL)
    exercise = study.choice_exercise()
    coding = coding_of(study, exercise)
    offered = [{"colour": "red", "price": "3"}, {"colour": "blue", "price": "1"}]
    people = planted_people(study, population_of(coding), 400, seed=1)
    chosen = [person.choose(exercise, offered) for person in people]
    assert chosen == [person.choose(exercise, offered) for person in people]
    assert chosen.count(2) > 250
    assert 3 in chosen
    sure = replace(people[0], worths=people[0].worths * 0 + coding.row(offered[0]) * 50)
    assert {replace(sure, name=f"x{n}").choose(exercise, offered) for n in range(20)} == {1}


@pytest.mark.deep
def test_the_demo_walked_by_many_bots_agrees_with_its_truth():
    found = walk_and_compare(builders.pastry(), bots=200, seed=11, progress=lambda *_: None)
    assert found.altered == 0
    assert found.logit_distance > 0.001
