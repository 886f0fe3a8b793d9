"""The engine against known answers, and its fast updates against full computation."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.coding import coding_in
from analysis.choices.design import burgess_street_bound, d_error
from analysis.choices.design.arrays import base_columns, hadamard, linear_forms
from analysis.choices.design.exchange import exchange, informations
from analysis.choices.design.orbits import shifted_design
from analysis.choices.design.priors import Priors
from analysis.choices.design.search import Problem, Search, d_errors, random_design
from analysis.choices.design.space import plain_space, space_of
from analysis.choices.design.tasks import efficient
from analysis.choices.design.watch import Watch

SPEC = importlib.util.spec_from_file_location("evaluator", Path(__file__).parent / "evaluator.py")
evaluator = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(evaluator)


def problem(counts, alternatives, tasks, *, space=None, penalties=(0.0, 0.0), copies=1):
    space = space or plain_space([evaluator.effects(count) for count in counts])
    shape = (tasks, alternatives, len(counts))
    template = np.random.default_rng(0).integers(np.array(counts), size=shape)
    free = np.ones((tasks, len(counts)), dtype=np.uint8)
    return Problem(space, template, free, np.ones(tasks), np.array(penalties), copies)


def best(wanted, mean, *, sd=0.0, starts=None, watch=None):
    priors = Priors(np.asarray(mean, dtype=float), sd**2 * np.eye(len(mean)))
    generator = np.random.default_rng(1)
    watch = watch or Watch()
    return efficient(
        wanted, priors, bayesian=sd > 0, starts=starts, generator=generator, watch=watch
    )


@pytest.mark.parametrize("none", [None, "single", "dual"])
def test_information_is_that_of_the_definition(none):
    counts = [3, 2, 4]
    more = {"none": {"label": "No", "response": none}} if none else {}
    space = space_of(coding_in("", evaluator.exercise(counts, **more)))
    wanted = problem(counts, 3, 15, space=space)
    tables = [evaluator.effects(c) for c in counts]
    betas = np.random.default_rng(2).normal(0, 0.8, (5, space.columns))
    levels = random_design(wanted, 0.5, np.random.default_rng(3))
    found = informations(space, levels, wanted.weight, betas.T.copy())
    for beta, m in zip(betas, found, strict=True):
        expected = evaluator.information(levels, tables, beta, none=none)
        np.testing.assert_allclose(m, expected, atol=1e-12)


def test_dual_none_information_is_the_curvature_of_its_log_likelihood():
    """The information of both answers is the variance of their scores, here by differences."""
    levels = np.array([[[0, 1], [2, 0]], [[1, 1], [0, 0]]])
    tables = [evaluator.effects(3), evaluator.effects(2)]
    beta = np.array([0.4, -0.3, 0.6, 0.2])
    x = np.concatenate([t[levels[..., a]] for a, t in enumerate(tables)], axis=-1)
    x = np.concatenate([x, np.zeros((2, 2, 1))], axis=-1)

    def chances(b, task):
        u = np.exp(x[task] @ b)
        buy = u.sum() / (u.sum() + np.exp(b[-1]))
        return np.concatenate([u / u.sum() * buy, u / u.sum() * (1 - buy)])

    total, step = np.zeros((4, 4)), 1e-5
    for task in range(2):
        p = chances(beta, task)
        slopes = np.array(
            [
                (np.log(chances(beta + e, task)) - np.log(chances(beta - e, task))) / (2 * step)
                for e in step * np.eye(4)
            ]
        )
        total += (slopes * p) @ slopes.T
    expected = evaluator.information(levels, tables, beta, none="dual")
    np.testing.assert_allclose(total, expected, atol=1e-8)


@pytest.mark.parametrize("none", [None, "single", "dual"])
@pytest.mark.parametrize("draws", [1, 40])
@pytest.mark.parametrize("alternatives", [2, 3, 5])
def test_fast_updates_equal_full_computation(none, draws, alternatives):
    counts = [3, 2, 4]
    more = {"none": {"label": "No", "response": none}} if none else {}
    more["interactions"] = [["a0", "a2"]]
    space = space_of(coding_in("", evaluator.exercise(counts, **more)))
    wanted = problem(counts, alternatives, 30, space=space)
    betas = np.random.default_rng(2).normal(0, 0.7, (draws, space.columns))
    search = Search(wanted, betas, work=0, generator=np.random.default_rng(1), watch=Watch())
    levels = random_design(wanted, 0.5, np.random.default_rng(3))
    state = search._state(levels)
    before = d_errors(space, levels, wanted.weight, betas)
    for _ in range(2):
        assert exchange(space, state, np.arange(30), 0, 30) >= 0
    after = d_errors(space, levels, wanted.weight, betas)
    assert after.mean() < before.mean()
    np.testing.assert_allclose(state.errors, after, rtol=1e-4)
    full = informations(space, levels, wanted.weight, betas.T.copy())
    kept = np.linalg.inv(state.inverse.transpose(2, 0, 1))
    np.testing.assert_allclose(kept, full, rtol=1e-3, atol=1e-3 * np.abs(full).max())


@pytest.mark.parametrize(
    ("counts", "alternatives", "tasks"),
    [
        ((2, 2, 2), 2, 4),
        ((2,) * 7, 2, 8),
        ((2,) * 11, 2, 12),
        ((2,) * 4, 3, 8),
        ((3,) * 4, 3, 9),
        ((3,) * 4, 2, 18),
        ((4,) * 5, 4, 16),
        ((4,) * 6, 3, 48),
        ((2, 2, 3, 3, 4), 3, 24),
        ((5,) * 6, 5, 25),
        ((3,) * 13, 3, 27),
        ((2, 4, 4, 2), 4, 16),
        ((6, 2, 3), 6, 36),
    ],
)
def test_the_bound_is_reached_where_it_can_be(counts, alternatives, tasks):
    levels = best(problem(counts, alternatives, tasks), np.zeros(sum(counts) - len(counts)))
    bound = burgess_street_bound(counts, alternatives, tasks)
    assert bound / d_error(levels, counts) == pytest.approx(1, abs=1e-9)


def test_huber_and_zwerina_3_3_3_9():
    """Cyclic L9: D0 0.1925 (the bound); with b = (-1, 0) its Dp is 0.3771, ours 0.2784."""
    tables = [evaluator.effects(3)] * 3
    first = np.array([[a, b, (a + b) % 3] for a in range(3) for b in range(3)])
    cyclic = np.stack([(first + j) % 3 for j in range(3)], axis=1)
    b = np.tile([-1.0, 0.0], 3)
    assert evaluator.error(cyclic, tables, np.zeros(6)) == pytest.approx(0.192450, abs=1e-6)
    assert evaluator.error(cyclic, tables, b) == pytest.approx(0.377138, abs=1e-6)
    levels = best(problem((3, 3, 3), 3, 9), b)
    assert evaluator.error(levels, tables, b) <= 0.2785


def test_displayr_example_of_three_pairs():
    """2^3 in three fold-over pairs, dummy coding: D0 1.587401, at (.5, -.5, .8) 2.132472."""
    tables, mean = [np.array([[0.0], [1.0]])] * 3, np.array([0.5, -0.5, 0.8])
    first = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])
    pairs = np.stack([first, 1 - first], axis=1)
    triples = [np.delete(pairs, n, axis=0) for n in range(4)]
    for triple in triples:
        assert evaluator.error(triple, tables, np.zeros(3)) == pytest.approx(1.587401, abs=1e-6)
    errors = [evaluator.error(triple, tables, mean) for triple in triples]
    assert any(error == pytest.approx(2.132472, abs=1e-6) for error in errors)
    space = plain_space(tables)
    free, one = np.ones((3, 3), np.uint8), np.ones(3)
    wanted = Problem(space, triples[0], free, one, np.zeros(2), 1)
    zero = best(wanted, np.zeros(3), starts=20)
    assert evaluator.error(zero, tables, np.zeros(3)) == pytest.approx(1.587401, abs=1e-6)
    assert evaluator.error(best(wanted, mean, starts=20), tables, mean) <= min(errors) + 1e-9


def test_problem_p1_on_the_given_draws():
    """6 x 4 levels, 120 tasks of 3: published peers reach 0.0580, the bar is 0.0383."""
    mu = np.tile([-0.6, -0.2, 0.2], 6)
    given = np.random.default_rng(20261121).normal(mu, 0.4, (100, 18))
    wanted = problem((4,) * 6, 3, 120, copies=10)
    search = Search(wanted, given, work=2e7, generator=np.random.default_rng(1), watch=Watch())
    levels = search.run([random_design(wanted, 1.0, np.random.default_rng(1))], 0)
    errors = [evaluator.error(levels, [evaluator.effects(4)] * 6, beta) for beta in given]
    assert np.mean(errors) == pytest.approx(search.least)
    assert np.mean(errors) <= 0.0383


def test_singular_draws_count_as_infinite():
    space = plain_space([evaluator.effects(3)])
    same = np.zeros((4, 2, 1), dtype=np.int64)
    assert d_errors(space, same, np.ones(4), np.zeros((2, 2))).tolist() == [np.inf, np.inf]


def test_penalties_buy_balance_and_less_overlap():
    b = np.tile([-1.0, -0.3, 0.3], 3)
    spreads, repeats = [], []
    for penalties in ((0.0, 0.0), (5.0, 5.0)):
        levels = best(problem((4, 4, 4), 3, 16, penalties=penalties), b, starts=3)
        spreads.append(max(np.ptp(np.bincount(levels[..., a].ravel())) for a in range(3)))
        same = [levels[:, i] == levels[:, j] for i in range(3) for j in range(i)]
        repeats.append(np.sum(same))
    assert spreads[1] < spreads[0]
    assert repeats[1] <= repeats[0]


def test_a_limit_of_time_leaves_the_best_design_so_far():
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 40

    watch = Watch(stop=stop)
    levels = best(problem((4,) * 6, 3, 48), np.tile([-0.6, -0.2, 0.2], 6), watch=watch)
    assert watch.interrupted
    assert levels.shape == (48, 3, 6)
    assert np.isfinite(evaluator.error(levels, [evaluator.effects(4)] * 6, np.zeros(18)))


def test_linear_forms_show_every_pair_equally_often():
    for prime, power, dimension in ((2, 1, 3), (3, 1, 3), (2, 2, 2), (5, 1, 2), (3, 2, 2)):
        forms, q = linear_forms(prime, power, dimension), prime**power
        for i in range(len(forms)):
            for j in range(i):
                pairs = np.bincount(forms[i] * q + forms[j], minlength=q * q)
                assert (pairs == len(forms[0]) // q**2).all()


@pytest.mark.parametrize("order", range(4, 92, 4))
def test_hadamard_matrices(order):
    found = hadamard(order)
    np.testing.assert_array_equal(found @ found.T, order * np.eye(order))


def test_columns_of_mixed_levels_are_even():
    columns = base_columns((2, 3, 6), {2: 2, 3: 3}, np.random.default_rng(1))
    for column, count in zip(columns, (2, 3, 6), strict=True):
        assert (np.bincount(column) == columns.shape[1] // count).all()
    assert shifted_design((7, 7), 2, 5, seed=1) is None
