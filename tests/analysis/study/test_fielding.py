"""Quotas and cells as a study file declares them."""

from collections import Counter

import pytest

from analysis.study import StudyFaults, parse_study
from analysis.study.fielding import Cell, next_cell
from analysis.study.routing import Way, quotas_met

PAGES = """
pages:
  - id: about
    questions:
      - {id: consent, kind: consent, text: 'Take part?', purpose: participation}
      - {id: gender, kind: single_choice, text: You are,
         options: [{id: f, label: A woman}, {id: m, label: A man}]}
  - id: age_page
    questions: [{id: age, kind: number, text: Your age}]
"""


def study(more=""):
    return parse_study(f"study: s\ntitle: S\n{PAGES}{more}")


def given(cells, n):
    """The cells of n respondents, one after the other."""
    started, found = Counter(), []
    for seed in range(n):
        found.append(next_cell(cells, started, seed))
        started[found[-1]] += 1
    return found


def test_cells_stay_in_balance_and_keep_their_weights():
    even = [Cell(id="a"), Cell(id="b"), Cell(id="c")]
    for n in range(1, 60):
        counted = Counter(given(even, n))
        assert max(counted.values()) - min(counted[cell.id] for cell in even) <= 1
    uneven = Counter(given([Cell(id="a", weight=40), Cell(id="b", weight=20)], 300))
    assert uneven == {"a": 200, "b": 100}


def test_a_cell_goes_along_with_no_block_of_choice_tasks():
    """Blocks are given out in turn: alternating cells would tie each cell to half of them."""
    found = given([Cell(id="a"), Cell(id="b")], 2000)
    in_even_blocks = Counter(found[::2])
    assert abs(in_even_blocks["a"] - 500) < 4 * (1000 * 0.25) ** 0.5


def test_balance_comes_back_when_respondents_were_erased():
    cells = [Cell(id="a"), Cell(id="b")]
    assert [next_cell(cells, {"a": 7, "b": 5}, seed) for seed in range(9)] == ["b"] * 9


def met(declared, answers, ahead, **facts):
    answers = {(name, ""): value for name, value in answers.items()}
    return [q.id for q in quotas_met(Way(declared, answers, facts), frozenset(ahead))]


def test_a_quota_is_judged_once_nothing_it_reads_is_ahead():
    declared = study(
        "quotas:\n"
        "  - {id: all, limit: 9}\n"
        "  - {id: women, limit: 9, when: gender == 'f'}\n"
        "  - {id: young_women, limit: 9, when: gender == 'f' and age < 30}\n"
        "  - {id: others, limit: 9, when: not answered(age)}\n"
        "  - {id: control, limit: 9, when: respondent.cell == 'a'}\n"
        "cells: [{id: a}, {id: b}]\n"
    )
    assert met(declared, {}, ("consent", "gender", "age"), cell="a") == ["all", "control"]
    assert met(declared, {"gender": "f"}, ("age",)) == ["all", "women"]
    done = {"consent": "yes", "gender": "f", "age": "29"}
    assert met(declared, done, ()) == ["all", "women", "young_women"]
    assert met(declared, {**done, "age": "30"}, ()) == ["all", "women"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("quotas: [{id: a, limit: 1}, {id: a, limit: 2}]", "used twice"),
        ("quotas: [{id: a, limit: 1, when: sex == 'f'}]", "no question 'sex'"),
        ("quotas: [{id: a, limit: 1, when: gender == 'x'}]", "'x' is not an answer of 'gender'"),
        ("quotas: [{id: a, limit: -1}]", "greater than or equal to 0"),
        ("cells: [{id: a}]", "'a' is the only cell"),
        ("cells: [{id: a}, {id: a}]", "used twice"),
        (
            "cells: [{id: a}, {id: b}]\nquotas: [{id: q, limit: 1, when: respondent.cell == 'c'}]",
            "no cell 'c'",
        ),
    ],
)
def test_what_cannot_be_fielded_is_said(more, said):
    with pytest.raises(StudyFaults) as found:
        study(more)
    assert said in str(found.value)
