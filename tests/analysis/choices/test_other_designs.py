"""Best-worst sets and profiles: balanced, told apart, the same for the same seed, or refused."""

import pandas as pd
import pytest

from analysis.choices.design import DesignImpossible, design_of, make_profiles, make_sets
from analysis.choices.design.best_worst import inspect_sets
from analysis.study import read_study
from analysis.study.exercises import BestWorstExercise, RatingsExercise
from tests import builders

EXAMPLE = read_study(builders.ALL_KINDS)


def sets_of(items=12, **more):
    return BestWorstExercise.model_validate(
        {
            "id": "m",
            "kind": "best_worst",
            "question": "Which?",
            "items": [{"id": f"i{n}", "label": f"Item {n}"} for n in range(items)],
            "design": {"blocks": more.pop("blocks", 50), "seed": 3},
            **more,
        }
    )


def profiles_of(levels=(3, 2, 4), **more):
    attributes = [
        {
            "id": f"a{n}",
            "label": "A",
            "levels": [{"id": f"l{k}", "label": "L"} for k in range(count)],
        }
        for n, count in enumerate(levels)
    ]
    return RatingsExercise.model_validate(
        {"id": "r", "kind": "ratings", "question": "How?", "attributes": attributes, **more}
    )


def test_items_and_pairs_are_shown_equally_often():
    exercise = sets_of(set_size=4, sets=10)
    made = make_sets(exercise)
    assert not made.duplicated(["block", "task", "item"]).any()
    shown = made.groupby(["block", "item"]).size()
    assert set(shown) == {3, 4} and len(shown) == 50 * 12
    pairs = made.merge(made, on=["block", "task"])
    pairs = pairs[pairs["item_x"] < pairs["item_y"]].groupby(["item_x", "item_y"]).size()
    # 50 blocks x 10 sets x 6 pairs over 66 pairs are 45.5 each.
    assert len(pairs) == 66 and pairs.min() >= 42 and pairs.max() <= 49
    found = inspect_sets(exercise, made)
    assert found["pair_most_less_least_in_worst_block"] <= 2
    assert found["position_most_less_least"] <= 4


def test_profiles_are_balanced_and_different():
    made = make_profiles(profiles_of(profiles=12))
    names = ["a0", "a1", "a2"]
    assert not made.duplicated(["block", *names]).any()
    for name, count in zip(names, (4, 6, 3), strict=True):
        assert set(made.groupby(["block", name]).size()) == {count}
    crossed = pd.crosstab(made["a0"], made["a1"])
    assert crossed.min().min() > 0.7 * crossed.max().max()


def test_nearly_all_profiles_are_still_different():
    made = make_profiles(profiles_of((3, 2), profiles=6))
    assert not made.duplicated(["block", "a0", "a1"]).any()


@pytest.mark.parametrize("exercise", EXAMPLE.exercises, ids=lambda e: e.id)
def test_the_same_seed_gives_the_same_tasks_of_every_kind(exercise):
    made = design_of(exercise)
    pd.testing.assert_frame_equal(made, design_of(exercise))
    assert list(made.columns) == ["block", "task", "alternative", "role", *exercise.columns]
    assert made.groupby("block")["task"].nunique().eq(exercise.shown).all()


@pytest.mark.parametrize(
    ("make", "exercise", "said"),
    [
        (make_sets, sets_of(12, set_size=3, sets=2, blocks=1), "never compared"),
        (make_profiles, profiles_of((2, 2), profiles=5), "only 4 different"),
        (make_profiles, profiles_of((9, 9), profiles=4, design={"blocks": 2}), "cannot tell 17"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_way_out(make, exercise, said):
    with pytest.raises(DesignImpossible, match=said) as refused:
        make(exercise)
    assert "Show more" in str(refused.value) or "Lower" in str(refused.value)
