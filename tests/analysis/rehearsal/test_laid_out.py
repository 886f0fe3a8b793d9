"""The laid-out design gives what the estimators and a plain simulation give."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.mnl import fit_mnl, fit_sets
from analysis.rehearsal.laid_out import RehearsalFault, lay_out
from analysis.rehearsal.population import PLANTED, People, population_of
from analysis.study import read_study
from analysis.synthetic.pastry import ChoiceTruth, draw_part_worths
from tests.analysis.rehearsal.studies import laid, study_of

ROOT = Path(__file__).parents[3]
DUAL = "{label: None, response: dual}"


@pytest.mark.parametrize("none", ["", "{label: None}", DUAL], ids=["without", "single", "dual"])
def test_the_fast_fit_is_that_of_the_study_s_estimator(none):
    study = study_of(none=none)
    design = laid(study)
    rng = np.random.default_rng(1)
    answers = design.answers(population_of(design.coding).draw(60, PLANTED, rng), rng)
    fast = fit_sets(design.sets(answers), np.zeros(design.coding.width))
    slow = fit_mnl(study, design.choices(answers))
    assert fast.coefficients == pytest.approx(slow.coefficients, abs=1e-9)
    assert fast.covariance("cluster") == pytest.approx(slow.covariance("cluster"), rel=1e-7)
    assert fast.log_likelihood == pytest.approx(slow.log_likelihood, abs=1e-7)


@pytest.mark.parametrize("none", ["", "{label: None}", DUAL], ids=["without", "single", "dual"])
def test_where_everybody_is_alike_the_limit_is_the_planted_mean(none):
    design = laid(study_of(none=none))
    population = population_of(design.coding)
    assert design.limit(population.exactly_alike(), 100) == pytest.approx(population.mean)


def test_differences_between_people_draw_the_limit_towards_zero():
    design = laid(study_of())
    population = population_of(design.coding)
    limit = design.limit(population.spread_evenly(2048, PLANTED, seed=1), 100)
    price = design.coding.places("price")
    assert 0.6 < limit[price] / population.mean[price] < 0.98


def test_the_limit_is_the_one_that_the_demo_publishes():
    study = read_study(ROOT / "examples/pastry/study.yaml")
    design = laid(study)
    coding, truth = design.coding, ChoiceTruth()
    drawn = draw_part_worths(truth, 20_000, np.random.default_rng(5))
    people = _as_columns(coding, truth, drawn)
    found = design.limit(People(people, np.full(len(people), np.inf)), 400)
    wanted = json.loads((ROOT / "tests/published/pastry_limit/limit.json").read_text())
    for column, value in zip(coding.columns, found, strict=True):
        assert value == pytest.approx(wanted[f"{column.attribute}.{column.level}"], rel=0.02), (
            column
        )


def _as_columns(coding, truth, drawn):
    """Part-worths against first levels as columns of effects coding, none against the average."""
    n = len(drawn["price"])
    people = np.zeros((n, coding.width))
    none = drawn["none"].copy()
    for attribute in coding.exercise.attributes:
        if attribute.id == "price":
            people[:, coding.places("price")] = drawn["price"][:, None]
            continue
        worths = np.stack(
            [drawn.get(f"{attribute.id}.{v.id}", np.zeros(n)) for v in attribute.levels], axis=1
        )
        none -= worths.mean(axis=1)
        people[:, coding.places(attribute.id)] = (worths - worths.mean(axis=1)[:, None])[:, :-1]
    people[:, coding.places("none")] = none[:, None]
    return people


def test_simulated_choices_follow_the_logit():
    """Frequencies of 40,000 people who are alike against the formula, task by task."""
    design = laid(study_of())
    population = population_of(design.coding)
    worths = np.tile(population.mean, (40_000, 1))
    people = People(worths, np.full(len(worths), np.inf))
    answers = design.answers(people, np.random.default_rng(3))
    seen = answers.chosen[np.arange(len(worths)) % design.blocks == 2, 4]
    utility = design.x[2, 4] @ population.mean
    wanted = np.exp(utility) / np.exp(utility).sum()
    assert np.bincount(seen, minlength=4) / len(seen) == pytest.approx(wanted, abs=0.02)


def test_buying_in_a_dual_response_follows_the_inclusive_value():
    design = laid(study_of(none=DUAL))
    population = population_of(design.coding)
    worths = np.tile(population.mean, (40_000, 1))
    people = People(worths, np.full(len(worths), np.inf))
    answers = design.answers(people, np.random.default_rng(3))
    utility = design.x[0, 0] @ population.mean
    total = np.exp(utility).sum()
    none = np.exp(population.mean @ design.coding.row(None))
    bought = answers.bought[np.arange(len(worths)) % design.blocks == 0, 0]
    assert bought.mean() == pytest.approx(total / (total + none), abs=0.02)


def test_blocks_of_unequal_length_are_refused():
    study = study_of()
    frame = laid(study).frame
    short = frame[~((frame["block"] == 2) & (frame["task"] == 8))]
    with pytest.raises(RehearsalFault, match="9 to 10 tasks"):
        lay_out(coding_of(study, study.choice_exercise()), short)
