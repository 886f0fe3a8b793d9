"""The compiled arithmetic against plain NumPy."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit

from analysis.choices.compiled import compile_apart, drop_stale
from analysis.choices.hb.chain import evaluate, total_information
from analysis.choices.hb.kernel import LANES, exp32, scatter, times
from analysis.choices.hb.packing import pack
from tests.analysis.choices.hb.conftest import Coded, log_likelihood, simulate


def at(packed, beta, logs=()):
    """Log-likelihood (N,) and gradient (N, K) of the kernel, in respondents' order."""
    n = packed.respondents
    lanes = np.minimum(LANES, n - LANES * np.arange(packed.tasks.size))
    study = (
        packed.rows,
        packed.offset,
        packed.tasks,
        packed.others,
        packed.spread(np.ones((n, 1))),
        lanes,
        np.array(logs, np.int64),
    )
    blocks = packed.spread(beta)
    state = (blocks, np.zeros((len(blocks), LANES)), np.zeros_like(blocks))
    evaluate(study, state)
    ll = packed.gather(state[1][:, None, :])[:, 0]
    return ll, packed.gather(state[2]), total_information(study, blocks)


def test_exponential_is_accurate_to_single_precision():
    @njit
    def each(x, out):
        for i in range(x.size):
            out[i] = exp32(x[i])

    x = np.linspace(-79, 79, 20_001).astype(np.float32)
    out = np.empty_like(x)
    each(x, out)
    assert np.max(np.abs(out / np.exp(x.astype(float)) - 1)) < 2e-7


def test_likelihood_matches_the_book_with_tasks_of_different_number(ragged: Coded):
    ll, _, _ = at(pack(ragged.x, ragged.y), ragged.beta)
    np.testing.assert_allclose(ll, log_likelihood(ragged.x, ragged.y, ragged.beta), atol=2e-4)


def test_likelihood_leaves_out_alternatives_that_were_not_shown(ragged: Coded):
    there = np.random.default_rng(2).random(ragged.x.shape[:3]) < 0.7
    np.put_along_axis(there, np.maximum(ragged.y, 0)[..., None], True, -1)
    ll, grad, _ = at(pack(ragged.x, ragged.y, there), ragged.beta)
    expected = log_likelihood(ragged.x, ragged.y, ragged.beta, there)
    np.testing.assert_allclose(ll, expected, atol=2e-4)
    assert np.isfinite(grad).all()


def test_likelihood_of_extreme_part_worths_stays_finite(ragged: Coded):
    ll, grad, _ = at(pack(ragged.x, ragged.y), 300 * ragged.beta)
    assert np.isfinite(ll).all() and np.isfinite(grad).all()


def test_gradient_matches_differences_of_the_book(ragged: Coded):
    _, grad, _ = at(pack(ragged.x, ragged.y), ragged.beta)
    for k in range(ragged.x.shape[3]):
        step = np.zeros(ragged.x.shape[3])
        step[k] = 1e-5
        up = log_likelihood(ragged.x, ragged.y, ragged.beta + step)
        down = log_likelihood(ragged.x, ragged.y, ragged.beta - step)
        np.testing.assert_allclose(grad[:, k], (up - down) / 2e-5, atol=3e-4)


def test_information_matches_differences_of_the_gradient(ragged: Coded):
    packed = pack(ragged.x, ragged.y)
    _, _, information = at(packed, ragged.beta)
    width = ragged.x.shape[3]
    numeric = np.empty((width, width))
    for k in range(width):
        step = np.zeros(width)
        step[k] = 1e-2
        up, down = at(packed, ragged.beta + step)[1], at(packed, ragged.beta - step)[1]
        numeric[k] = -(up.sum(0, dtype=float) - down.sum(0, dtype=float)) / 2e-2
    np.testing.assert_allclose(information, numeric, rtol=2e-3, atol=0.5)


def test_products_and_sums_over_lanes():
    rng = np.random.default_rng(3)
    a, b = (rng.normal(size=(7, LANES)).astype(np.float32) for _ in range(2))
    matrix = rng.normal(size=(5, 7)).astype(np.float32)
    out = np.empty((5, LANES), np.float32)
    times(matrix, a, out)
    np.testing.assert_allclose(out, matrix @ a, rtol=1e-4, atol=1e-5)
    total = np.ones((7, 7))
    scatter(a, b, total, np.float32(-2))
    np.testing.assert_allclose(total, 1 - 2 * a @ b.T, rtol=1e-4, atol=1e-4)


def test_gather_returns_what_spread_took(ragged: Coded):
    packed = pack(ragged.x, ragged.y)
    np.testing.assert_allclose(packed.gather(packed.spread(ragged.beta)), ragged.beta, rtol=1e-6)


def test_one_respondent_with_one_task_and_two_alternatives():
    coded = simulate(4, 1, 1, 2, 1)
    ll, _, _ = at(pack(coded.x, coded.y), coded.beta)
    difference = float((coded.x[0, 0, 1 - coded.y[0, 0]] - coded.x[0, 0, coded.y[0, 0]])[0])
    assert ll[0] == pytest.approx(-math.log1p(math.exp(difference * coded.beta[0, 0])), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.y.__setitem__((0, 0), 4), "beyond the last"),
        (lambda c: c.y.fill(-1), "no choice task"),
        (lambda c: c.x.__setitem__((1, 1, 1, 1), np.nan), "not finite"),
    ],
)
def test_wrong_arrays_are_refused(ragged: Coded, change, words):
    change(ragged)
    with pytest.raises(ValueError, match=words):
        pack(ragged.x, ragged.y)


def test_kernels_compiled_before_a_change_of_another_file_are_forgotten(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    for age, name in (
        (300, "__pycache__/a.old.nbi"),
        (200, "a.py"),
        (100, "__pycache__/a.new.nbi"),
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    drop_stale(tmp_path, ("a",))
    assert [p.name for p in (tmp_path / "__pycache__").iterdir()] == ["a.new.nbi"]


def test_missing_kernels_are_compiled_by_another_process_once(tmp_path):
    """Draws of the process that compiles would differ from those of all later ones."""
    cache = SimpleNamespace(cache_path=str(tmp_path))
    kernel = SimpleNamespace(__name__="advance", _cache=cache)
    log, index = tmp_path / "log", tmp_path / "chain.advance-83.py311.nbi"
    statement = (
        "import os; from analysis.choices.hb import warm_up; "
        f"print(os.getpid(), file=open({str(log)!r}, 'a')); open({str(index)!r}, 'w')"
    )
    compile_apart(kernel, statement)
    compile_apart(kernel, statement)
    (process,) = log.read_text().split()
    assert int(process) != os.getpid()
    # without a cache on disk there is nothing to share
    compile_apart(SimpleNamespace(__name__="advance", _cache=SimpleNamespace(cache_path=None)), "")
    assert len(log.read_text().split()) == 1
