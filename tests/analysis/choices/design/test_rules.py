"""What every method keeps to: rules, balance, labels, partial profiles, holdouts, repetition."""

import importlib.util
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.choices.design import DesignImpossible, Watch, make_design, make_tasks
from analysis.study.designs import Method

SPEC = importlib.util.spec_from_file_location("evaluator", Path(__file__).parent / "evaluator.py")
evaluator = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(evaluator)
exercise, places = evaluator.exercise, evaluator.places

METHODS = get_args(Method)
PRIORS = {"a0": {"sd": 0.4}}
QUICK = {"starts": 1}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    counts=st.lists(st.integers(2, 4), min_size=3, max_size=5),
    alternatives=st.integers(2, 4),
    blocks=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_rules_are_kept_by_every_method(method, counts, alternatives, blocks, seed):
    wanted = exercise(
        counts,
        alternatives=alternatives,
        tasks=6,
        method=method,
        blocks=blocks,
        seed=seed,
        design=QUICK,
        priors=PRIORS,
        holdouts=1,
        prohibitions=[{"a0": "l0", "a1": "l0"}, {"a0": "l1", "a1": "l1", "a2": ["l0"]}],
    )
    frame = make_tasks(wanted)
    assert len(frame) == blocks * 7 * alternatives
    assert not ((frame["a0"] == "l0") & (frame["a1"] == "l0")).any()
    third = (frame["a0"] == "l1") & (frame["a1"] == "l1") & (frame["a2"] == "l0")
    assert not third.any()
    assert not frame.duplicated(["block", "task", *(a.id for a in wanted.attributes)]).any()
    held = frame[frame["role"] == "holdout"].drop(columns="block")
    assert not held.drop_duplicates().duplicated(["task", "alternative"]).any()
    pd.testing.assert_frame_equal(frame, make_tasks(wanted))


@pytest.mark.parametrize("method", METHODS)
def test_no_alternative_is_worse_in_everything_when_all_attributes_are_ordered(method):
    more = {"preference": "increasing", "priors": PRIORS, "design": QUICK}
    wanted = exercise([3, 3, 3], tasks=8, method=method, **more)
    for task in places(make_tasks(wanted), wanted):
        for i in range(3):
            for j in range(3):
                assert i == j or (task[i] > task[j]).any()


@pytest.mark.parametrize("method", METHODS)
def test_labels_stand_once_in_every_task(method):
    more = {"labelled_by": "a0", "priors": PRIORS, "design": QUICK}
    wanted = exercise([3, 3, 4], method=method, **more)
    levels = places(make_tasks(wanted), wanted)
    assert (levels[..., 0] == np.arange(3)).all()
    fewer = exercise([4, 3, 4], method=method, **more)
    shown = places(make_tasks(fewer), fewer)[..., 0]
    assert (np.diff(shown, axis=1) > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_partial_profiles_vary_as_many_attributes_as_asked(method):
    more = {"priors": PRIORS, "design": QUICK | {"varying": 3}}
    wanted = exercise([3, 3, 3, 3, 3], tasks=10, method=method, **more)
    levels = places(make_tasks(wanted), wanted)
    varying = (levels != levels[:, :1]).any(axis=1)
    assert varying.sum(axis=1).max() <= 3
    assert varying.mean(axis=0).min() > 0.3


@pytest.mark.parametrize("method", METHODS)
def test_given_tasks_stand_in_every_block(method):
    first = [{"a0": "l0", "a1": "l1"}, {"a0": "l1", "a1": "l0"}]
    second = [{"a0": "l2", "a1": "l1"}, {"a0": "l0", "a1": "l0"}]
    fixed = [{"alternatives": first}, {"role": "estimation", "alternatives": second}]
    more = {"alternatives": 2, "tasks": 5, "holdouts": 1, "fixed_tasks": fixed, "priors": PRIORS}
    wanted = exercise([3, 2], method=method, blocks=3, design=QUICK, **more)
    frame = make_tasks(wanted)
    for _, block in frame.groupby("block"):
        held = block[block["role"] == "holdout"]
        assert held[["a0", "a1"]].to_dict("records") == first
        tasks = [t[["a0", "a1"]].to_dict("records") for _, t in block.groupby("task")]
        assert second in tasks
        assert len(tasks) == 6


@pytest.mark.parametrize("method", ["complete-enumeration", "balanced-overlap"])
def test_levels_and_pairs_are_even_within_blocks(method):
    counts = [3, 4, 2, 5]
    wanted = exercise(counts, alternatives=3, tasks=10, method=method, blocks=20)
    frame = make_tasks(wanted)
    for _, block in frame.groupby("block"):
        for n, count in enumerate(counts):
            shown = block[f"a{n}"].value_counts()
            assert len(shown) == count
            assert shown.max() - shown.min() <= 2
    for a, b in ((0, 1), (1, 3)):
        table = pd.crosstab(frame[f"a{a}"], frame[f"a{b}"]).to_numpy()
        assert np.ptp(table) <= 0.15 * table.mean()


def test_balanced_overlap_stands_between_random_and_complete_enumeration():
    shares = {}
    for method in ("random", "balanced-overlap", "complete-enumeration"):
        wanted = exercise([5] * 6, alternatives=4, method=method, blocks=10)
        levels = places(make_tasks(wanted), wanted)
        same = [levels[:, i] == levels[:, j] for i in range(4) for j in range(i)]
        shares[method] = np.mean(same)
    assert shares["complete-enumeration"] == 0
    assert 0.3 * shares["random"] < shares["balanced-overlap"] < 0.8 * shares["random"]


def test_efficient_tasks_are_divided_evenly():
    wanted = exercise([4] * 4, tasks=8, method="d-optimal", blocks=6, design=QUICK)
    frame = make_tasks(wanted)
    for n in range(4):
        shown = pd.crosstab(frame["block"], frame[f"a{n}"]).to_numpy()
        assert np.ptp(shown, axis=1).max() <= 3


def test_bayesian_tasks_need_doubt():
    with pytest.raises(DesignImpossible, match="bayesian-d needs priors with a standard deviation"):
        make_tasks(exercise([3, 3], method="bayesian-d", priors={"a0": {"sd": 0}}))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("blocks", [1, 3])
def test_holdouts_are_never_asked_again_as_tasks(method, blocks):
    more = {"holdouts": 2, "priors": PRIORS, "design": QUICK}
    given = [[{"a0": "l0", "a1": "l0"}, {"a0": "l1", "a1": "l1"}]]
    fixed = [{"role": "holdout", "alternatives": task} for task in given]
    wanted = exercise(
        [3, 3], alternatives=2, tasks=12, method=method, blocks=blocks, fixed_tasks=fixed, **more
    )
    frame = make_tasks(wanted)
    asked = {
        role: {
            (rows["block"].iloc[0], frozenset(map(tuple, rows[["a0", "a1"]].to_numpy())))
            for _, rows in of_role.groupby(["block", "task"])
        }
        for role, of_role in frame.groupby("role")
    }
    assert len(asked["holdout"]) == 2 * blocks
    assert not asked["holdout"] & asked["estimation"]


@pytest.mark.parametrize("method", ["random", "shortcut", "complete-enumeration", "d-optimal"])
def test_rules_that_chance_hardly_meets_are_met(method):
    """One alternative in 60,000 is allowed: a0, a2, a4 and a6 have one level left."""
    left = [f"l{k}" for k in range(9)]
    prohibitions = [{f"a{n}": left[1:], f"a{n + 1}": left} for n in (0, 2, 4, 6)]
    more = {"holdouts": 1, "design": QUICK, "priors": PRIORS, "prohibitions": prohibitions}
    wanted = exercise([9] * 8, tasks=6, method=method, **more)
    frame = make_tasks(wanted)
    assert len(frame) == 2 * 7 * 3
    assert (frame[["a0", "a2", "a4", "a6"]] == "l0").all(axis=None)


@pytest.mark.parametrize("method", METHODS)
def test_a_limit_of_time_leaves_a_whole_design_of_every_method(method):
    wanted = exercise([3, 3, 3, 3], method=method, blocks=9, priors=PRIORS, holdouts=1)
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 3

    made = make_design(wanted, Watch(stop=stop))
    assert made.interrupted
    assert len(made.tasks) == 9 * 13 * 3
    alike = made.tasks.drop(columns=["block", "task"]).groupby(made.tasks["block"])
    blocks = {tuple(map(tuple, rows.to_numpy().tolist())) for _, rows in alike}
    assert 1 < len(blocks) <= 9


def test_a_search_under_narrow_rules_goes_on_where_chance_finds_no_start():
    """Only one task keeps to the rules: every start is the template again."""
    prohibitions = [{"a0": "l0", "a1": ["l1", "l2"]}, {"a0": ["l1", "l2"], "a1": ["l0", "l1"]}]
    prohibitions.append({"a0": "l2", "a1": "l2"})
    wanted = exercise([3, 3], alternatives=2, method="d-optimal", prohibitions=prohibitions)
    shown = make_tasks(wanted).groupby(["block", "task"])[["a0", "a1"]]
    for _, task in shown:
        assert {tuple(row) for row in task.to_numpy()} == {("l0", "l0"), ("l1", "l2")}
