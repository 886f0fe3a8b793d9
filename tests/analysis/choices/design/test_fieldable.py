"""Designs made elsewhere: known by their columns, refused with every fault, else fielded."""

import importlib.util
from pathlib import Path

import pytest

from analysis.choices.coding import coding_in
from analysis.choices.design import make_tasks
from analysis.choices.design.describing import page, sentences
from analysis.choices.design.inspection import inspect_design
from analysis.choices.design.layouts import (
    LAYOUTS,
    from_layout,
    layout_of,
    table_of,
    to_layout,
)
from analysis.choices.design.reading import DesignFaults

SPEC = importlib.util.spec_from_file_location("evaluator", Path(__file__).parent / "evaluator.py")
evaluator = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(evaluator)

HEAD = "block,task,alternative,role,a0,a1\n"


def given(**more):
    return evaluator.exercise([3, 2], alternatives=2, tasks=4, blocks=3, **more)


def read(exercise, text):
    table = table_of(text)
    return from_layout(exercise, table, layout_of(table), to_field=True)


def faults(exercise, text):
    with pytest.raises(DesignFaults) as found:
        read(exercise, text)
    return found.value.reasons


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_every_layout_is_known_by_its_columns_and_may_be_fielded(layout, divider):
    exercise = given(none={"label": "No"}, holdouts=1)
    frame = make_tasks(exercise)
    text = to_layout(exercise, frame, layout).to_csv(index=False, sep=divider)
    assert layout_of(table_of(text)) == layout
    assert read(exercise, text).equals(frame.astype(read(exercise, text).dtypes))


def test_all_faults_are_told_at_once_with_their_lines_and_mends():
    exercise = given(prohibitions=[{"a0": "l2", "a1": "l1"}], holdouts=1)
    rows = ["1,1,1,holdout,l0,l0", "1,1,2,holdout,l1,l1", "1,2,1,estimation,l9,l0"]
    rows += ["1,2,2,estimation,l2,l1", "1,3,1,estimation,l0,l1", "1,5,1,estimation,l0,l0"]
    rows += ["3,1,1,estimation,l0,l0", "3,1,2,estimation,l1,l1"]
    found = "\n".join(faults(exercise, HEAD + "\n".join(rows)))
    assert "line 4: 'a0' has no level 'l9'. Use one of: l0, l1, l2" in found
    assert "block 1, task 3: alternatives [1] instead of [1, 2]" in found
    assert "block 1: tasks [1, 2, 3, 5] are not numbered 1, 2, ..." in found
    assert "blocks 1, 3 are not numbered 1, 2, ..." in found
    assert "line 5: block 1, task 2, alternative 2 shows a0 'l2', a1 'l1' together" in found
    assert "block 1: 3 tasks of role 'estimation', but exercise 'e' shows 4" in found
    assert "block 3: 0 tasks of role 'holdout', but exercise 'e' shows 1" in found


def test_holdouts_labels_and_fixed_tasks_must_be_those_of_the_study():
    fixed = [{"alternatives": [{"a0": "l2", "a1": "l0"}, {"a0": "l0", "a1": "l1"}]}]
    exercise = given(holdouts=1, labelled_by="a1", fixed_tasks=fixed)
    frame = make_tasks(exercise)
    assert read(exercise, frame.to_csv(index=False)).shape == frame.shape
    held = (frame["role"] == "holdout") & (frame["block"] == 2)
    frame.loc[held, "a0"] = "l1"
    place = frame[(frame["block"] == 3) & (frame["role"] == "estimation")].index[0]
    frame.loc[[place, place + 1], "a1"] = "l0"
    found = "\n".join(faults(exercise, frame.to_csv(index=False)))
    assert "block 2: its holdouts are not those of the first block" in found
    assert "block 2: fixed task 1 of the study is not among its tasks" in found
    assert f"line {place + 3}: block 3, task" in found
    assert "which labels its alternatives" in found


def test_faults_of_sawtooth_files_name_the_lines_of_the_file():
    exercise = given(holdouts=1)
    frame = make_tasks(exercise)
    table = to_layout(exercise, frame, "sawtooth")
    held = frame["role"].eq("holdout")
    fixed = table[held & frame["block"].eq(1)].assign(Version=0)
    lines = [fixed, table[~held]]
    text = "".join(t.to_csv(index=False, header=n == 0) for n, t in enumerate(lines))
    assert set(read(exercise, text)["role"]) == {"estimation", "holdout"}
    broken = text.splitlines()
    broken[7] = broken[7].rpartition(",")[0] + ",8"
    assert faults(exercise, "\n".join(broken)) == (
        "line 8: 'a1' has no level 'number 8'. Use one of: l0, l1",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("PK\x03\x04\x00\x00,binary", "no table"),
        ("a,b,c\n1,2,3\n", "no known layout: a, b, c"),
        ("Version,Task,Concept,Att1\n1,1,1,1\n", "there is no column 'Att2'"),
        (HEAD, "the design has no task"),
    ],
)
def test_what_is_no_design_says_so(text, said):
    assert said in "\n".join(faults(given(), text))


def test_an_inspection_is_said_in_words_and_as_a_page():
    exercise = given(
        priors={
            "a0": {"means": {"l0": 0, "l1": 1, "l2": 2}},
            "a1": {"means": {"l0": 0, "l1": 1}},
        }
    )
    found = inspect_design(exercise, coding_in("", exercise), make_tasks(exercise), n=1200)
    said = " ".join(sentences(found))
    assert "With 1,200 respondents the standard error of a part-worth is at most" in said
    assert "No task has an alternative that is better in nothing." in said
    assert "bound of Burgess and Street" in said
    assert "<table>" in page(found)
    assert sentences(found)[0] in page(found).replace("&#x27;", "'")


@pytest.mark.parametrize("method", ["random", "shortcut", "balanced-overlap", "d-optimal"])
def test_prior_means_order_levels_as_preferences_do(method):
    priors = {f"a{n}": {"means": {"l0": 0, "l1": 0.4, "l2": 0.2}} for n in range(3)}
    design = {"starts": 2}
    shown = {}
    for keep in (True, False):
        exercise = evaluator.exercise(
            [3, 3, 3], priors=priors, method=method, design=design | {"keep_dominated": keep}
        )
        found = inspect_design(exercise, coding_in("", exercise), make_tasks(exercise))
        shown[keep] = found.figures["dominated_tasks"]
    assert shown[False] == 0
    if method in ("random", "balanced-overlap"):
        assert shown[True] > 0
