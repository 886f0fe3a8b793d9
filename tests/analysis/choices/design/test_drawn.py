"""Choice tasks: balanced, little overlap, within the rules, informative, repeatable."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.design import (
    DesignImpossible,
    burgess_street_bound,
    d_error,
    holdout_positions,
    make_tasks,
)
from analysis.choices.design.efficiency import coded, information, orthogonal_codes
from analysis.study import ChoiceExercise


def exercise(counts, *, alternatives=3, tasks=12, preference=None, design=None, **more):
    attributes = [
        {
            "id": f"a{n}",
            "label": f"A{n}",
            "levels": [{"id": f"l{k}", "label": f"L{k}"} for k in range(count)],
            "preference": preference,
        }
        for n, count in enumerate(counts)
    ]
    parts = {"id": "e", "question": "?", "attributes": attributes, "alternatives": alternatives}
    parts |= {"tasks": tasks, "design": design or {"method": "shortcut", "blocks": 4, "seed": 3}}
    return ChoiceExercise.model_validate(parts | more)


def places(frame, counts, alternatives):
    names = [f"a{n}" for n in range(len(counts))]
    levels = frame[names].apply(lambda column: column.str[1:].astype(int)).to_numpy()
    return levels.reshape(-1, alternatives, len(counts))


def test_the_frame_has_one_row_per_alternative():
    given = exercise([2, 3], tasks=5, holdouts=2)
    frame = make_tasks(given)
    assert list(frame.columns) == ["block", "task", "alternative", "role", "a0", "a1"]
    assert len(frame) == 4 * 7 * 3
    assert sorted(frame["task"].unique()) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(frame["block"].unique()) == [1, 2, 3, 4]


def test_same_seed_same_tasks_another_seed_others():
    given = exercise([3, 3, 4])
    pd.testing.assert_frame_equal(make_tasks(given), make_tasks(given))
    other = exercise([3, 3, 4], design={"method": "shortcut", "blocks": 4, "seed": 4})
    assert not make_tasks(given).equals(make_tasks(other))


def test_levels_are_balanced_within_every_block():
    counts = [2, 3, 4, 5]
    frame = make_tasks(exercise(counts, tasks=10))
    for _, block in frame.groupby("block"):
        for n, count in enumerate(counts):
            shown = block[f"a{n}"].value_counts()
            assert len(shown) == count
            assert shown.max() - shown.min() <= 1


@pytest.mark.parametrize("alternatives", [2, 3, 5])
def test_levels_repeat_within_a_task_only_when_they_must(alternatives):
    counts = [2, 3, 4]
    frame = make_tasks(exercise(counts, alternatives=alternatives))
    for _, task in frame.groupby(["block", "task"]):
        for n, count in enumerate(counts):
            assert task[f"a{n}"].value_counts().max() == -(-alternatives // count)


@pytest.mark.parametrize("method", ["shortcut", "random"])
def test_no_alternative_stands_twice_in_a_task(method):
    given = exercise([2, 2], tasks=20, design={"method": method, "blocks": 5, "seed": 1})
    frame = make_tasks(given)
    assert not frame.duplicated(["block", "task", "a0", "a1"]).any()


@pytest.mark.parametrize("method", ["shortcut", "random"])
def test_prohibitions_are_kept(method):
    given = exercise(
        [3, 3, 2],
        design={"method": method, "blocks": 10, "seed": 1},
        prohibitions=[{"a0": "l0", "a1": ["l0", "l1"]}, {"a0": "l2", "a1": "l2", "a2": "l1"}],
    )
    frame = make_tasks(given)
    assert not ((frame["a0"] == "l0") & frame["a1"].isin(["l0", "l1"])).any()
    assert not ((frame["a0"] == "l2") & (frame["a1"] == "l2") & (frame["a2"] == "l1")).any()
    assert set(frame["a0"]) == {"l0", "l1", "l2"}


@pytest.mark.parametrize("method", ["shortcut", "random"])
@pytest.mark.parametrize("preference", ["increasing", "decreasing"])
def test_no_alternative_is_worse_in_everything_when_all_attributes_are_ordered(method, preference):
    counts = [3, 3, 3]
    design = {"method": method, "blocks": 5, "seed": 1}
    frame = make_tasks(exercise(counts, preference=preference, design=design))
    for task in places(frame, counts, 3):
        for i in range(3):
            for j in range(3):
                assert i == j or (task[i] > task[j]).any()


def test_rules_that_leave_no_task_are_said():
    with pytest.raises(DesignImpossible, match="no task of 3 alternatives"):
        make_tasks(exercise([2, 2], preference="increasing"))
    with pytest.raises(DesignImpossible, match="1 prohibitions"):
        make_tasks(exercise([2, 2], prohibitions=[{"a0": ["l0", "l1"], "a1": ["l0"]}]))
    ranged = {"id": "p", "label": "P", "coding": "linear", "range": {"least": 0, "greatest": 1}}
    given = ChoiceExercise.model_validate({"id": "e", "question": "?", "attributes": [ranged]})
    with pytest.raises(DesignImpossible, match="has a range"):
        make_tasks(given)


def test_holdouts_are_the_same_in_every_block_and_evenly_spread():
    frame = make_tasks(exercise([3, 4], tasks=10, holdouts=2))
    held = frame[frame["role"] == "holdout"]
    assert sorted(held["task"].unique()) == [4, 8]
    columns = ["task", "alternative", "a0", "a1"]
    blocks = [block[columns].reset_index(drop=True) for _, block in held.groupby("block")]
    assert len(blocks) == 4
    for block in blocks[1:]:
        pd.testing.assert_frame_equal(block, blocks[0])


@pytest.mark.parametrize("tasks", [1, 5, 12])
@pytest.mark.parametrize("holdouts", [0, 1, 2, 10])
def test_holdout_positions_are_distinct_and_among_the_tasks(tasks, holdouts):
    found = holdout_positions(tasks, holdouts)
    assert len(set(found)) == holdouts
    assert all(1 <= place <= tasks + holdouts for place in found)


def test_orthogonal_codes_are_standardised():
    for count in (2, 3, 5):
        codes = orthogonal_codes(count)
        np.testing.assert_allclose(codes.T @ codes, count * np.eye(count - 1), atol=1e-12)
        np.testing.assert_allclose(codes.sum(axis=0), 0, atol=1e-12)


def test_d_error_of_known_designs():
    """2^3 in four fold-over pairs reaches the bound; one set's information is the textbook's."""
    first = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])
    pairs = np.stack([first, 1 - first], axis=1)
    assert d_error(pairs, [2, 2, 2]) == pytest.approx(burgess_street_bound([2, 2, 2], 2, 4))
    assert burgess_street_bound([2] * 3, 2, 4) == pytest.approx(1 / 4)
    assert burgess_street_bound([3] * 4, 2, 9) == pytest.approx(1 / (0.75 * 9))
    assert burgess_street_bound([2] * 4, 3, 8) == pytest.approx(9 / 64)
    x = coded(pairs[:1], [2, 2, 2])
    p = np.full(2, 0.5)
    expected = x[0].T @ (np.diag(p) - np.outer(p, p)) @ x[0]
    np.testing.assert_allclose(information(x), expected, atol=1e-12)
    assert d_error(pairs[:1], [2, 2, 2]) == float("inf")


@pytest.mark.parametrize(
    ("counts", "alternatives", "tasks", "blocks", "reached"),
    [
        ([2, 2, 2], 2, 4, 1, 0.999),
        ([3, 3, 3, 3], 3, 9, 1, 0.93),
        ([4] * 6, 3, 12, 10, 0.98),
        ([3, 2, 2, 2, 4], 3, 10, 20, 0.99),
    ],
)
def test_shortcut_tasks_come_near_the_bound_and_random_ones_do_not(
    counts, alternatives, tasks, blocks, reached
):
    bound = burgess_street_bound(counts, alternatives, tasks * blocks)
    errors = {}
    for method in ("shortcut", "random"):
        design = {"method": method, "blocks": blocks, "seed": 1}
        given = exercise(counts, alternatives=alternatives, tasks=tasks, design=design)
        errors[method] = d_error(places(make_tasks(given), counts, alternatives), counts)
    assert bound / errors["shortcut"] > reached
    assert bound <= errors["shortcut"] * (1 + 1e-9)
    assert errors["random"] > 1.15 * errors["shortcut"]
