"""Priors, given tasks and labels of an exercise: what is read, and every fault at once."""

import numpy as np
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.design.priors import priors_of
from analysis.study import StudyFaults, parse_study, read_priors

SOURCE = """
study: s
title: T
exercises:
  - id: e
    question: Which?
    alternatives: 2
    holdouts: 1
    none: {label: neither}
    interactions: [[quality, price], [quality, brand]]
    labelled_by: brand
    priors:
      quality: {means: {low: -1, mid: 0.2, 3: 0}, sds: {low: 0.5, mid: 0.4, 3: 0.4}}
      price: {mean: -0.5, sd: 0.2}
      time: {means: {1-2: -0.3, 2-4: -0.1}}
      'quality:price': {means: {'low:': 0.3, 'mid:': 0.2, '3:': 0.1}}
      none: {mean: 1, sd: 1}
      brand: {sd: 0.3}
    fixed_tasks:
      - alternatives:
          - {quality: low, price: 1, brand: a, time: 1}
          - {quality: low, price: 2, brand: b, time: 4}
    attributes:
      - {id: quality, label: Q, levels: [{id: low, label: L}, {id: mid, label: M}, 3]}
      - {id: price, label: P, coding: linear, levels: [1, 2, 3]}
      - {id: time, label: P, coding: piecewise, knots: [2], levels: [1, 2, 4]}
      - {id: brand, label: B, levels: [{id: a, label: A}, {id: b, label: B}]}
"""


def faults(source):
    with pytest.raises(StudyFaults) as found:
        parse_study(source)
    return [str(fault) for fault in found.value.faults]


def test_priors_stand_in_the_columns_of_the_coding():
    study = parse_study(SOURCE)
    exercise = study.choice_exercise()
    coding = coding_of(study, exercise)
    priors = priors_of(exercise, coding)
    labels, rows = coding.level_rows()
    means = dict(zip(((c.attribute, c.level) for c in labels), rows @ priors.mean, strict=True))
    sds = np.sqrt(np.einsum("ij,jk,ik->i", rows, priors.covariance, rows))
    sd = dict(zip(((c.attribute, c.level) for c in labels), sds, strict=True))
    assert means["quality", "low"] == pytest.approx(-1 + 0.8 / 3)
    assert means["quality", "3"] == pytest.approx(0.8 / 3)
    assert [sd["quality", n] for n in ("low", "mid", "3")] == pytest.approx([0.5, 0.4, 0.4])
    assert (means["price", ""], sd["price", ""]) == pytest.approx((-0.5, 0.2))
    assert (means["time", "1-2"], means["time", "2-4"]) == pytest.approx((-0.3, -0.1))
    assert (means["none", ""], sd["none", ""]) == pytest.approx((1, 1))
    assert sd["brand", "a"] == sd["brand", "b"] == pytest.approx(0.3)
    assert means["quality:price", "low:"] == pytest.approx(0.1)
    assert means["quality:brand", "mid:a"] == 0


@pytest.mark.parametrize("even", [True, False])
def test_draws_have_the_stated_means_and_covariance(even):
    study = parse_study(SOURCE)
    priors = priors_of(study.choice_exercise(), coding_of(study, study.choice_exercise()))
    drawn = priors.draws(20_000, seed=1, even=even)
    assert np.abs(drawn.mean(axis=0) - priors.mean).max() < 0.03
    np.testing.assert_allclose(np.cov(drawn.T), priors.covariance, atol=0.03)
    np.testing.assert_array_equal(drawn, priors.draws(20_000, seed=1, even=even))


def test_every_fault_of_priors_is_listed_at_once():
    found = faults(
        SOURCE.replace("{low: -1, mid: 0.2", "{lo: -1, mid: 0.2")
        .replace("{mean: -0.5, sd: 0.2}", "{means: {1: 2}, sdd: 0.2}")
        .replace("none: {mean", "colour: {mean")
        .replace("brand: {sd: 0.3}", "brand: {mean: 1, sd: 1, sds: {a: 1, b: 1}}")
    )
    text = "\n".join(found)
    assert "priors.quality.means.lo: there is no part-worth of 'quality' called 'lo'" in text
    assert "priors.quality.means: 'low' is missing. Add 'low'." in text
    assert "priors.price.sdd: 'sdd' is not a field here. Did you mean 'sd" in text
    assert "priors.colour: there is no attribute or interaction 'colour'" in text
    assert all(fault.startswith("line ") for fault in found)


def test_a_mean_of_levels_and_two_standard_deviations_are_faults():
    found = faults(
        SOURCE.replace("brand: {sd: 0.3}", "brand: {mean: 1, sd: 1, sds: {a: 1, b: 1}}").replace(
            "price: {mean: -0.5, sd: 0.2}", "price: {means: {1: 2}}"
        )
    )
    text = "\n".join(found)
    assert "'brand' has 2 part-worths, but one mean. Use 'means: {a: ..., ...}'." in text
    assert "'brand' has both 'sd' and 'sds'" in text
    assert "'price' has a single part-worth, but 'means'. Use 'mean: NUMBER', per unit." in text


def test_standard_deviations_that_cannot_belong_together_are_refused():
    study = parse_study(SOURCE.replace("{low: 0.5, mid: 0.4, 3: 0.4}", "{low: 3, mid: 0.1, 3: 0}"))
    with pytest.raises(ValueError, match=r"priors of 'quality'.*one is too large"):
        priors_of(study.choice_exercise(), coding_of(study, study.choice_exercise()))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("holdouts: 1", "holdouts: 0", "1 tasks for holdout are given, but 'holdouts' is 0"),
        ("price: 1, brand", "price: 9, brand", "there is no level '9'"),
        ("{quality: low, price: 1, brand: a, time: 1}", "{quality: low}", "'price' is missing"),
        ("price: 2, brand: b, time: 4}", "price: 1, brand: a, time: 1}", "stands twice"),
        ("labelled_by: brand", "labelled_by: brnd", "there is no attribute 'brnd'"),
        ("alternatives: 2", "alternatives: 3", "3 alternatives shall have different labels of 2"),
        ("holdouts: 1", "holdouts: 1\n    design: {varying: 4}", "4 attributes shall vary"),
        (
            "holdouts: 1",
            "holdouts: 1\n    prohibitions: [{quality: low, price: 2}]",
            "the alternative is prohibited",
        ),
    ],
)
def test_faults_of_given_tasks_and_labels(old, new, fault):
    assert fault in "\n".join(faults(SOURCE.replace(old, new)))


def test_a_file_of_priors_uses_the_same_words(tmp_path):
    study = parse_study(SOURCE)
    file = tmp_path / "priors.yaml"
    file.write_text("price: {mean: -0.9, sd: 0.1}\n")
    read = read_priors(file, study, study.choice_exercise())
    assert read.priors["price"].mean == -0.9
    assert list(read.priors) == ["price"]
    file.write_text("priors:\n  price: {mean: -0.9, sd: 0.1}\n")
    assert read_priors(file, study, study.choice_exercise()).priors == read.priors
    file.write_text("quality: {mean: 3}\nprice:\n  sdd: 3\ncolour: {mean: 2}\n")
    with pytest.raises(StudyFaults) as found:
        read_priors(file, study, study.choice_exercise())
    assert [fault.line for fault in found.value.faults] == [1, 3, 4]
