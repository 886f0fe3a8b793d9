import numpy as np
import pandas as pd
import pytest

from analysis.customers.raking import NoWeights, rake


def sample(n=600, seed=1):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": generator.choice(["young", "old"], n, p=[0.7, 0.3]),
            "place": generator.choice(["town", "land", "sea"], n, p=[0.6, 0.3, 0.1]),
        },
        index=[f"r{i}" for i in range(n)],
    )


TARGETS = {
    "age": {"young": 0.5, "old": 0.5},
    "place": {"town": 0.4, "land": 0.4, "sea": 0.2},
}


def test_both_margins_are_met_and_weights_are_products_of_their_classes():
    people = sample()
    found = rake(people, TARGETS)
    for margin, wanted in TARGETS.items():
        reached = found.weights.groupby(people[margin]).sum() / found.weights.sum()
        assert reached.to_dict() == pytest.approx(wanted, abs=1e-7)
    # Raking leaves the odds ratios of the sample: log weights are additive in the margins.
    mean = np.log(found.weights).groupby([people["age"], people["place"]]).mean().unstack()
    assert np.ptp((mean.loc["young"] - mean.loc["old"]).to_numpy()) < 1e-6
    assert found.weights.mean() == pytest.approx(1)
    assert found.effective_n == pytest.approx(600 / (1 + found.weights.var(ddof=0)))


def test_two_margins_by_hand():
    # 4 cells of 40, 20, 30, 60; one margin only: weights are target over share.
    people = pd.DataFrame({"a": ["x"] * 60 + ["y"] * 90})
    found = rake(people, {"a": {"x": 0.5, "y": 0.5}})
    assert found.weights.unique() == pytest.approx([75 / 60, 75 / 90])


def test_small_classes_are_merged_and_named():
    people = sample()
    people.loc[people["place"] == "sea", "place"] = "land"
    people.loc[people.index[:7], "place"] = "sea"
    found = rake(people, TARGETS)
    assert found.merged == ("place: sea (7) merged with land",)
    both = people["place"].isin(["land", "sea"])
    assert found.weights[both].sum() / found.weights.sum() == pytest.approx(0.6, abs=1e-7)


def test_large_weights_are_cut_and_what_that_costs_is_said():
    people = pd.DataFrame({"a": ["x"] * 30 + ["y"] * 570})
    found = rake(people, {"a": {"x": 0.5, "y": 0.5}})
    assert found.cut == 30
    assert found.weights.max() / found.weights.median() <= 5 + 1e-9
    assert found.off > 0.1


def test_who_is_missing_in_a_margin_keeps_their_weight_there():
    people = sample()
    people.loc[people.index[:100], "age"] = None
    found = rake(people, {"age": TARGETS["age"]})
    assert found.weights.iloc[:100].unique() == pytest.approx([1.0])


def test_everything_wrong_is_said_at_once():
    with pytest.raises(NoWeights) as why:
        rake(sample(), {"age": {"young": 0.9}, "income": {"low": 1.0}, "place": {"town": -1}})
    for words in ("add up to 1", "no share for 'old'", "nobody has 'income'"):
        assert words in str(why.value)


def test_margins_that_contradict_each_other_are_refused():
    people = pd.DataFrame({"a": ["x", "y"] * 50, "b": ["p", "q"] * 50})
    with pytest.raises(NoWeights, match="no weights meet all margins"):
        rake(people, {"a": {"x": 0.5, "y": 0.5}, "b": {"p": 0.7, "q": 0.3}})
