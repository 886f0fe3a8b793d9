"""Chains side by side: repeatable, stoppable, continuable, and honest about convergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.hb.diagnostics import diagnose, sample_until
from analysis.choices.hb.packing import pack
from analysis.choices.hb.priors import Prior, bayesm_prior, sawtooth_prior
from analysis.choices.hb.sampling import Cancelled, Settings, State, joined, sample
from tests.analysis.choices.hb.conftest import Coded

SHORT = Settings(burn_in=100, draws=60, kept=40)


def run(coded: Coded, **more):
    n, width = coded.beta.shape
    arguments = {"seed": 3, "settings": SHORT} | more
    return sample(pack(coded.x, coded.y), np.ones((n, 1)), bayesm_prior(width), **arguments)


def test_same_seed_same_draws_and_another_seed_others(ragged: Coded):
    one, two, other = run(ragged), run(ragged), run(ragged, seed=4)
    np.testing.assert_array_equal(one.mu, two.mu)
    np.testing.assert_array_equal(one.beta, two.beta)
    assert not np.allclose(one.mu, other.mu)
    assert not np.allclose(one.mu[0], one.mu[1])


def test_shapes_and_thinning(ragged: Coded):
    posterior = run(ragged)
    assert posterior.mu.shape == (2, 60, 6)
    assert posterior.sigma.shape == (2, 60, 6, 6)
    assert posterior.every == 3
    assert posterior.beta.shape == (2, 20, 150, 6)
    assert posterior.beta.dtype == np.float32


def test_betas_belong_to_their_respondents(ragged: Coded):
    posterior = run(ragged, settings=Settings(burn_in=100, draws=200))
    found = posterior.beta.mean((0, 1))
    together = np.corrcoef(found.ravel(), ragged.beta.ravel())[0, 1]
    apart = np.corrcoef(found[::-1].ravel(), ragged.beta.ravel())[0, 1]
    assert together > 0.6 > apart


def test_goes_on_from_a_saved_state(ragged: Coded, tmp_path: Path):
    first = run(ragged)
    first.state.save(tmp_path / "state.npz")
    state = State.load(tmp_path / "state.npz")
    assert state.done == 60
    later = run(ragged, state=state)
    assert later.state.done == 120
    assert later.cpu_seconds_warm_up < first.cpu_seconds_warm_up
    assert not np.allclose(later.mu, first.mu)
    saved = state.chains[0]
    np.testing.assert_array_equal(saved.beta, first.beta[0, -1])
    np.testing.assert_array_equal(saved.H, later.state.chains[0].H)


def test_a_file_that_is_no_state_is_refused(ragged: Coded, tmp_path: Path):
    path = tmp_path / "state.npz"
    for content in (b"", b"respondent,task", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a saved state"):
            State.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match="is not a saved state"):
        State.load(path)
    np.savez(path, facts=np.frombuffer(b'{"format": 1}', np.uint8))
    with pytest.raises(ValueError, match="another version"):
        State.load(path)


def test_draws_of_two_parts_are_those_of_one_run(ragged: Coded):
    first = run(ragged, settings=Settings(burn_in=100, draws=62, thinning=3))
    earlier = replace(first, beta=first.beta.copy())
    second = run(ragged, state=first.state, settings=Settings(burn_in=100, draws=40, thinning=6))
    both = joined(first, second)
    # 62 draws: 60 that fill pairs of kept draws; 20 kept, of which every second stays
    assert both.mu.shape == (2, 100, 6)
    assert both.log_likelihood.shape == (2, 100)
    np.testing.assert_array_equal(both.mu[:, :60], earlier.mu[:, :60])
    np.testing.assert_array_equal(both.mu[:, 60:], second.mu)
    np.testing.assert_array_equal(both.beta[:, :10], earlier.beta[:, 1::2])
    np.testing.assert_array_equal(both.beta[:, 10:], second.beta)
    assert (both.every, both.beta.shape[1]) == (6, 16)
    assert both.state is second.state
    with pytest.raises(ValueError, match="keeps every 6-th draw, not 12-th"):
        joined(both, second)


def test_goes_on_until_the_chains_agree_and_says_so_if_they_do_not(ragged: Coded):
    n, width = ragged.beta.shape
    seen: list[tuple[int, int]] = []

    def go(at_most: int):
        seen.clear()
        return sample_until(
            pack(ragged.x, ragged.y),
            np.ones((n, 1)),
            bayesm_prior(width),
            seed=3,
            settings=Settings(burn_in=100, draws=100, kept=40, at_most=at_most),
            state=None,
            progress=lambda done, total: seen.append((done, total)),
        )

    posterior, found = go(3200)
    made = posterior.log_likelihood.shape[1]
    assert found.converged, found.reasons
    assert made in (400, 800, 1600, 3200)
    assert seen[-1] == (200 + 2 * made, 200 + 2 * made)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert posterior.beta.shape[1] == 20
    short, found = go(150)
    assert not found.converged
    assert short.log_likelihood.shape[1] == 150
    assert short.state.done == 150


def test_a_state_of_other_respondents_is_refused(ragged: Coded):
    state = run(ragged).state
    fewer = Coded(ragged.x[:100], ragged.y[:100], ragged.beta[:100])
    with pytest.raises(ValueError, match="belongs to other choices"):
        run(fewer, state=state)
    other = ragged.y.copy()
    other[0, 0] = 1 - min(other[0, 0], 1)
    with pytest.raises(ValueError, match="belongs to other choices"):
        run(Coded(ragged.x, other, ragged.beta), state=state)
    prior = Prior(9.0, 9 * np.eye(6), 0.02 * np.eye(1))
    with pytest.raises(ValueError, match="another prior"):
        sample(pack(ragged.x, ragged.y), np.ones((150, 1)), prior, seed=1, state=state)


def test_progress_counts_up_to_the_end(ragged: Coded):
    seen: list[tuple[int, int]] = []
    run(ragged, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (320, 320)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_progress_cancels(ragged: Coded):
    with pytest.raises(Cancelled):
        run(ragged, settings=Settings(draws=10**6), progress=lambda done, total: False)


def test_few_draws_are_not_final(ragged: Coded):
    found = diagnose(run(ragged))
    assert not found.converged
    assert any("ESS" in reason for reason in found.reasons)


def test_enough_draws_are_final(ragged: Coded):
    found = diagnose(run(ragged, settings=Settings(burn_in=300, draws=1500)))
    assert found.converged, found.reasons
    assert found.r_hat_max < 1.01
    assert 0.6 < found.beta_acceptance < 0.95
    assert 0.6 < found.population_acceptance < 0.95


def test_one_chain_is_never_final(ragged: Coded):
    found = diagnose(run(ragged, settings=Settings(chains=1, burn_in=300, draws=1500)))
    assert found.reasons[0].startswith("one chain")


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"burn_in": 95}, {"burn_in": 15}, {"chains": 0}])
def test_settings_that_cannot_be(wrong: dict[str, int]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_sawtooth_prior_gives_every_level_the_same_variance():
    prior = sawtooth_prior([-3, 1, -2, 1], df=5, variance=2.0)
    assert prior.nu == 12
    block = prior.scale[:3, :3] / (12 * 2.0)
    np.testing.assert_allclose(np.diag(block), 0.75)
    np.testing.assert_allclose(block[0, 1], -0.25)
    last = -np.ones(3)
    assert last @ block @ last == pytest.approx(0.75)
    np.testing.assert_allclose(prior.scale[3, 3], 24)
    np.testing.assert_allclose(prior.scale[:3, 3:], 0)
    np.testing.assert_allclose(prior.scale[4:6, 4:6] / 24, [[2 / 3, -1 / 3], [-1 / 3, 2 / 3]])


def test_a_prior_without_enough_degrees_of_freedom_is_refused():
    with pytest.raises(ValueError, match="degrees of freedom"):
        Prior(2.0, np.eye(3), np.eye(1))
