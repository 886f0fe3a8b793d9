"""Who the simulated people are: priors, the convention without them, other worlds."""

import numpy as np
import pytest

from analysis.rehearsal.laid_out import RehearsalFault
from analysis.rehearsal.population import OTHER_WORLDS, PLANTED, World, population_of, worlds_of
from analysis.rehearsal.run import rehearse
from tests.analysis.rehearsal.studies import laid, study_of

N = 200_000


def drawn(population, world=PLANTED, n=N):
    return population.draw(n, world, np.random.default_rng(1))


def world(name):
    return next(w for w in OTHER_WORLDS if w.name == name)


def test_people_are_drawn_from_the_priors():
    population = population_of(laid(study_of()).coding)
    coding, worths = population.coding, drawn(population).worths
    assert worths.mean(axis=0) == pytest.approx(population.mean, abs=0.01)
    difference = worths @ coding.contrast("colour", "red", "blue")
    assert difference.mean() == pytest.approx(0.8, abs=0.01)
    assert difference.std() == pytest.approx(2 * 0.4, abs=0.01)
    last = worths @ coding.level_rows()[1][4]
    assert last.std() == pytest.approx(0.4, abs=0.01)
    assert worths[:, coding.places("price")].std() == pytest.approx(0.1, abs=0.002)


def test_without_priors_a_convention_stands_in_and_says_so():
    population = population_of(laid(study_of(priors="")).coding)
    coding, mean = population.coding, population.mean
    assert mean @ coding.contrast("colour", "red", "blue") == pytest.approx(1.0)
    assert mean @ coding.contrast("size", "small", "middle") == pytest.approx(0.5)
    assert mean @ coding.contrast("price", "1", "4") == pytest.approx(-1.0)
    worths = drawn(population).worths
    assert (worths @ coding.level_rows()[1][0]).std() == pytest.approx(0.5, abs=0.01)
    assert (worths @ coding.contrast("price", "1", "4")).std() == pytest.approx(0.5, abs=0.01)
    assert "convention" in population.assumptions[0]


def test_a_stepped_price_falls_by_its_numbers_and_an_order_is_kept():
    price = (
        "{id: price, label: P, tag: price, levels: [{id: dear, label: D, number: 4},"
        " {id: fair, label: F, number: 3}, {id: cheap, label: C, number: 1}]}"
    )
    population = population_of(laid(study_of(priors="", price=price)).coding)
    contrast = population.coding.contrast
    assert population.mean @ contrast("price", "dear", "cheap") == pytest.approx(1.0)
    assert population.mean @ contrast("price", "dear", "fair") == pytest.approx(1 / 3)


def test_what_has_no_prior_counts_nothing_and_is_named():
    population = population_of(laid(study_of(priors="price: {mean: -0.4}")).coding)
    assert population.mean @ population.coding.contrast("size", "small", "large") == 0
    assert any("colour, size, none" in said for said in population.assumptions)
    assert any("0.5 logit units" in said for said in population.assumptions)


def test_a_stated_spread_of_zero_is_kept():
    population = population_of(laid(study_of(priors="price: {mean: -0.4, sd: 0}")).coding)
    assert drawn(population).worths[:, population.coding.places("price")].std() < 1e-12


def test_priors_that_cannot_be_are_a_fault_of_the_rehearsal():
    priors = (
        "size: {means: {small: 0, middle: 0, large: 1}, sds: {small: 0.1, middle: 0.1, large: 2}}"
    )
    with pytest.raises(RehearsalFault, match="priors of 'size'"):
        rehearse(study_of(priors=priors), n=50, repeats=2)


def test_other_worlds_do_what_they_say():
    population = population_of(laid(study_of()).coding)
    columns = population.coding.places("colour")
    ignoring = drawn(population, world("non_attendance")).worths
    assert (ignoring[:, columns] == 0).mean() == pytest.approx(0.3, abs=0.01)
    random = drawn(population, world("random_responders")).worths
    assert (random == 0).all(axis=1).mean() == pytest.approx(0.2, abs=0.01)
    assert drawn(population, world("halved")).worths == pytest.approx(drawn(population).worths / 2)
    limits = drawn(population, world("price_limits")).limits
    assert np.isfinite(limits).mean() == pytest.approx(0.5, abs=0.01)
    assert set(limits[np.isfinite(limits)]) == {1.0, 2.0, 3.0, 4.0}


def test_who_refuses_a_price_hardly_ever_chooses_it():
    design = laid(study_of())
    population = population_of(design.coding)
    people = drawn(population, World("all", "", with_limit=1.0), n=20_000)
    answers = design.answers(people, np.random.default_rng(2))
    block = design.block_of(20_000)
    paid = np.take_along_axis(design.price[block], answers.chosen[..., None], axis=2)[..., 0]
    assert (paid > people.limits[:, None]).mean() < 0.05
    plain = design.answers(drawn(population, n=20_000), np.random.default_rng(2))
    paid = np.take_along_axis(design.price[block], plain.chosen[..., None], axis=2)[..., 0]
    assert (paid > people.limits[:, None]).mean() > 0.15


def test_without_prices_in_numbers_there_is_no_world_of_price_limits():
    without = "{id: shape, label: Shape, levels: [{id: round, label: R}, {id: square, label: S}]}"
    coding = laid(study_of(priors="", price=without)).coding
    assert "price_limits" not in {w.name for w in worlds_of(coding)}
    assert len(worlds_of(laid(study_of()).coding)) == 4
