"""One Markov chain: start, adaptation during burn-in, draws."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.choices.compiled import compiled
from analysis.choices.hb.kernel import (
    LANES,
    exp32,
    f4,
    information,
    likelihood_in_logs,
    natural,
    scatter,
    scratch_of,
)
from analysis.choices.hb.moves import (
    ONE,
    centre_partially,
    draw_population,
    from_vector,
    inverse_lower,
    move_part_worths,
    move_population,
    population_density,
    to_vector,
)
from analysis.choices.hb.packing import Packed
from analysis.choices.hb.priors import Prior

Floats = NDArray[np.float64]
TARGET = 0.8
"""Acceptance that step sizes are adapted to."""
LONGEST = 1.6
"""Longest step of a beta: beyond pi / 2 a trajectory of one step turns back."""
CHUNK = 10
"""Draws between two adaptations of the surrogate."""
FROZEN = 0.75
"""Part of the burn-in after which surrogate and metric stay fixed (steps: until its end)."""
MEASURED = (0.35, 0.5, 0.65)
"""Parts of the burn-in at which the curvature of the population's density is measured."""


@compiled
def evaluate(study: Any, state: Any) -> None:
    """Fill log-likelihood and gradient of the state's betas."""
    rows, offset, tasks, others, _, _, logs = study
    beta, ll, grad = state
    scratch = scratch_of(others, beta.shape[1])
    for i in range(beta.shape[0]):
        likelihood_in_logs(
            rows[i], offset[i], tasks[i], others, logs, beta[i], ll[i], grad[i], scratch
        )


@compiled
def total_information(study: Any, beta: Any) -> Any:
    """Minus the second derivative of the log-likelihood, summed over respondents (K, K).

    For logarithms without the term of the gradient: the information that all betas alike expect.
    """
    rows, offset, tasks, others, _, _, logs = study
    K = beta.shape[1]
    out, worth = np.zeros((K, K)), np.empty((K, LANES), f4)
    for i in range(beta.shape[0]):
        natural(beta[i], logs, worth)
        information(rows[i], offset[i], tasks[i], others, worth, out)
    for k in logs:
        slope = np.float64(exp32(beta[0, k, 0]))
        out[k] *= slope
        out[:, k] *= slope
    return out


@compiled
def advance(
    rng: Any,
    gain: Any,
    steps: Any,
    sizes: Any,
    metric: Any,
    population: Any,
    study: Any,
    ww: Any,
    prior: Any,
    surrogate: Any,
    states: Any,
    every: Any,
    out: Any,
) -> Any:
    """As many draws as ``out`` has room for; returns the mean acceptances.

    ``gain`` of the step-size adaptation (0: frozen); ``steps`` and ``sizes`` = (betas',
    population's); ``states`` = (state, spare, z, sums of beta and beta beta'); ``out`` =
    (gamma, sigma, log-likelihood, betas); of the betas every ``every``-th draw is stored.
    """
    state, spare, z, sum_beta, sum_squares = states
    out_gamma, out_sigma, out_ll, out_beta = out
    gamma, root = population
    n = out_gamma.shape[0]
    lanes = study[5]
    accept = np.zeros_like(state[1])
    of_betas, of_population = 0.0, 0.0
    for it in range(n):
        move_part_worths(rng, sizes[0], steps[0], population, study, state, surrogate[0], accept)
        draw_population(rng, population, study, ww, prior, state[0])
        rate = move_population(
            rng, sizes[1][0], steps[1], metric, population, study, surrogate, prior, state, spare, z
        )
        of_population += rate / n
        if gain > 0.0:
            sizes[1][0] *= math.exp(gain * (rate - TARGET))
            sum_beta += state[0]
            for i in range(accept.shape[0]):
                scatter(state[0][i], state[0][i], sum_squares, ONE)
                for s in range(LANES):
                    longer = sizes[0][i, s] * math.exp(gain * (accept[i, s] - TARGET))
                    sizes[0][i, s] = min(longer, LONGEST)
        total, mean = 0.0, 0.0
        for i in range(accept.shape[0]):
            for s in range(lanes[i]):
                total += state[1][i, s]
                mean += accept[i, s]
        of_betas += mean / (n * np.sum(lanes))
        out_gamma[it] = gamma
        out_sigma[it] = root @ root.T
        out_ll[it] = total
        if every > 0 and (it + 1) % every == 0:
            out_beta[it // every] = state[0]
    return of_betas, of_population


@compiled
def curvature(
    step: Any,
    metric: Any,
    population: Any,
    study: Any,
    surrogate: Any,
    prior: Any,
    state: Any,
    spare: Any,
    z: Any,
) -> Any:
    """Minus the second derivative of log p(q | z) in the coordinates of ``metric``, at the state.

    One-sided differences of the gradient along every column of ``metric``.
    """
    gamma, root = population
    centre_partially(population, study, state[0], surrogate, z)
    q = to_vector(gamma, root)
    _, here = population_density(q, z, study, surrogate, prior, state, True)
    out = np.empty((q.size, q.size))
    turned = np.ascontiguousarray(metric.T)
    for k in range(q.size):
        _, there = population_density(
            q + step * turned[k], z, study, surrogate, prior, spare, False
        )
        out[k] = turned @ (here - there) / step
    return 0.5 * (out + out.T)


def fisher_metric(gamma: Floats, root: Floats, H: Floats, ww: Floats, prior: Prior) -> Floats:
    """M with M M' the inverse Fisher information of (Gamma, L) in the surrogate.

    There the respondents' estimates are N(mu_i, S) with S = Sigma + H^-1. With W = S^-1, the
    information is ``ww (x) W`` for Gamma and, for entries (a, b), (c, d) of L,
    ``N [(WL)_cb (WL)_ad + W_ac (L'WL)_bd]``; the prior adds the same with P and nu.
    """
    K = root.shape[0]
    inverse = inverse_lower(root)
    P = inverse.T @ inverse
    W = P - P @ np.linalg.solve(H + P, P)
    a, b = np.tril_indices(K)
    shape = np.zeros((a.size, a.size))
    for inner, n in ((W, float(ww[0, 0])), (P, prior.nu)):
        one = inner @ root
        cross = one[np.ix_(a, b)]
        shape += n * (cross.T * cross + inner[np.ix_(a, a)] * (root.T @ one)[np.ix_(b, b)])
    chain = np.where(a == b, root[a, a], 1.0)
    first = gamma.size
    out = np.zeros((first + a.size, first + a.size))
    out[:first, :first] = np.kron(ww, W) + np.kron(prior.precision, P)
    out[first:, first:] = shape * chain[:, None] * chain
    return np.ascontiguousarray(np.linalg.inv(np.linalg.cholesky(out)).T)


@dataclass(slots=True)
class Tuning:
    """What burn-in adapts and the draws then keep fixed."""

    H: Floats
    score: NDArray[np.float32]
    metric: Floats
    beta_sizes: NDArray[np.float32]
    population_size: Floats


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where a chain stands and how it is tuned; betas, scores and sizes in respondents' order."""

    gamma: Floats
    root: Floats
    beta: NDArray[np.float32]
    H: Floats
    score: NDArray[np.float32]
    metric: Floats
    beta_sizes: NDArray[np.float32]
    population_size: float


@dataclass(frozen=True, slots=True)
class Output:
    """Draws of one call: gamma (n, Q, K), sigma (n, K, K), log-likelihood (n,), betas (m, N, K)."""

    gamma: Floats
    sigma: Floats
    log_likelihood: Floats
    beta: NDArray[np.float32]
    acceptance: tuple[float, float]


class Chain:
    """A chain on packed tasks; ``burn_in`` first, then ``draw``.

    Parameters
    ----------
    packed, covariates
        The tasks, and (N, Q) columns of the upper level with a leading column of ones.
    prior
        Of Gamma and Sigma.
    seed
        One stream of random numbers by chain.
    steps
        Leapfrogs of the betas' and the population's trajectories.
    """

    def __init__(
        self,
        packed: Packed,
        covariates: Floats,
        prior: Prior,
        *,
        seed: np.random.SeedSequence,
        steps: tuple[int, int],
    ) -> None:
        self.packed = packed
        self.prior = prior
        self.steps = steps
        self.rng = np.random.Generator(np.random.SFC64(seed))
        self.ww = np.ascontiguousarray(covariates.T @ covariates, dtype=float)
        self.scale = np.ascontiguousarray(prior.scale, dtype=float)
        self.precision = np.ascontiguousarray(prior.precision, dtype=float)
        n, blocks = packed.respondents, packed.tasks.size
        lanes = np.minimum(LANES, n - LANES * np.arange(blocks))
        w = packed.spread(covariates)
        self.study = (
            packed.rows,
            packed.offset,
            packed.tasks,
            packed.others,
            w,
            lanes,
            np.array(packed.logs, np.int64),
        )
        shape = (blocks, packed.rows.shape[2], LANES)
        self.state, self.spare = (
            (np.zeros(shape, f4), np.zeros((blocks, LANES)), np.zeros(shape, f4)) for _ in range(2)
        )
        self.z = np.zeros(shape, f4)
        self.seconds = 0.0
        self._start(covariates.shape[1])

    def _start(self, Q: int) -> None:
        """Everybody at the pooled estimate, Sigma = I; the betas then spread within a few draws."""
        K = self.z.shape[1]
        present = (self.study[4][:, :1, :] != 0).astype(f4)
        pooled, H = np.zeros(K), np.eye(K)
        if self.packed.logs:
            pooled, H = self._climb(present)
        else:
            for _ in range(15):
                H, slope, _ = self._at(pooled, present)
                pooled += np.linalg.solve(H, slope)
        gamma = np.zeros((Q, K))
        gamma[0] = pooled
        self.population = (gamma, np.eye(K))
        self.state[0][:] = pooled[:, None].astype(f4) * present
        evaluate(self.study, self.state)
        H = H / self.packed.respondents
        score = self.state[2] + np.einsum("kl,bls->bks", H.astype(f4), self.state[0])
        self.tuning = Tuning(
            H=H,
            score=score,
            metric=fisher_metric(gamma, np.eye(K), H, self.ww, self.prior),
            beta_sizes=np.full(self.state[1].shape, 0.7, f4),
            population_size=np.array([0.3]),
        )

    def _at(self, pooled: Floats, present: NDArray[np.float32]) -> tuple[Floats, Floats, float]:
        """Information, gradient and log-likelihood with all at ``pooled``, shrunk a little."""
        self.state[0][:] = pooled[:, None].astype(f4) * present
        evaluate(self.study, self.state)
        H = total_information(self.study, self.state[0]) + 0.01 * np.eye(len(pooled))
        slope = self.state[2].sum((0, 2), dtype=float) - 0.01 * pooled
        return H, slope, float(self.state[1].sum() - 0.005 * pooled @ pooled)

    def _climb(self, present: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """The pooled estimate by damped steps: in logarithms the likelihood is not concave.

        Starts where every constrained column moves utilities by about 0.3.
        """
        logs = list(self.packed.logs)
        pooled = np.zeros(self.z.shape[1])
        spread = np.square(self.packed.rows, dtype=float).mean((0, 1, 3))
        pooled[logs] = np.log(0.3 / np.sqrt(spread[logs]))
        H, slope, height = self._at(pooled, present)
        for _ in range(40):
            step = np.linalg.solve(H, slope)
            step /= max(1.0, np.abs(step[logs]).max())
            for _ in range(12):
                H, slope, reached = self._at(pooled + step, present)
                if reached >= height:
                    break
                step /= 2
            else:
                break
            pooled, height = pooled + step, reached
        return pooled, self._at(pooled, present)[0]

    @property
    def _groups(self) -> tuple[object, ...]:
        prior = (float(self.prior.nu), self.scale, self.precision)
        surrogate = (self.tuning.H, self.tuning.score)
        return self.population, self.study, surrogate, prior

    def draw(self, n: int, *, every: int = 0, gain: float = 0.0) -> Output:
        """``n`` draws; the betas of every ``every``-th are stored (0: of none).

        ``gain`` adapts the steps and is 0 for draws that count.
        """
        started = time.thread_time()
        Q, K = self.population[0].shape
        self.sums = (np.zeros(self.z.shape), np.zeros((K, K)))
        out = (
            np.empty((n, Q, K)),
            np.empty((n, K, K)),
            np.empty(n),
            np.empty((n // every if every else 0, *self.z.shape), f4),
        )
        population, study, surrogate, prior = self._groups
        tuning = self.tuning
        acceptance = advance(
            self.rng,
            gain,
            self.steps,
            (tuning.beta_sizes, tuning.population_size),
            tuning.metric,
            population,
            study,
            self.ww,
            prior,
            surrogate,
            (self.state, self.spare, self.z, *self.sums),
            every,
            out,
        )
        beta = self.packed.gather(out[3])
        self.seconds += time.thread_time() - started
        return Output(out[0], out[1], out[2], beta, acceptance)

    def save(self) -> ChainState:
        """Where the chain stands, by respondent, to go on from later."""
        tuning, gather = self.tuning, self.packed.gather
        return ChainState(
            gamma=self.population[0].copy(),
            root=self.population[1].copy(),
            beta=gather(self.state[0]),
            H=tuning.H.copy(),
            score=gather(tuning.score),
            metric=tuning.metric.copy(),
            beta_sizes=gather(tuning.beta_sizes[:, None, :])[:, 0],
            population_size=float(tuning.population_size[0]),
        )

    def restore(self, saved: ChainState) -> None:
        """Go on from where a chain on the same tasks stood."""
        K = self.z.shape[1]
        if saved.beta.shape != (self.packed.respondents, K):
            raise ValueError(
                f"the saved state has {saved.beta.shape[0]} respondents and {saved.beta.shape[1]} "
                f"columns, the tasks have {self.packed.respondents} and {K}"
            )
        if saved.gamma.shape != self.population[0].shape:
            raise ValueError("the saved state belongs to other covariates")
        spread = self.packed.spread
        self.population = (saved.gamma.copy(), saved.root.copy())
        self.state[0][:] = spread(saved.beta)
        evaluate(self.study, self.state)
        self.tuning = Tuning(
            H=saved.H.copy(),
            score=spread(saved.score),
            metric=saved.metric.copy(),
            beta_sizes=np.ascontiguousarray(spread(saved.beta_sizes[:, None])[:, 0]),
            population_size=np.array([saved.population_size]),
        )


class BurnIn:
    """The adaptation of one chain, chunk by chunk.

    Means of beta_i, q and beta beta' are weighted towards the later draws. From them: V, the mean
    posterior variance of a beta_i, which sets H = V^-1 - Sigma^-1; h_i, which puts m_i at the mean
    of beta_i; and the metric, first from Fisher's information, then from measured curvature.
    """

    def __init__(self, chain: Chain, length: int) -> None:
        self.chain, self.length, self.done = chain, length, 0
        self.beta = chain.state[0].astype(float)
        self.squares = np.zeros((chain.z.shape[1],) * 2)
        self.q = to_vector(*chain.population)
        self.measured: list[Floats] = []
        self.renewed = 0

    @property
    def finished(self) -> bool:
        """Whether all draws of the burn-in are done."""
        return self.done >= self.length

    def advance(self) -> None:
        """One chunk of draws, then what was learnt from it."""
        early = self.done < FROZEN * self.length
        output = self.chain.draw(CHUNK, gain=0.1 if early else 0.03)
        started = time.thread_time()
        self.done += CHUNK
        if early:
            self._learn(output)
        self.chain.seconds += time.thread_time() - started

    def _learn(self, output: Output) -> None:
        chain = self.chain
        share = max(0.03, 2 * CHUNK / (self.done + CHUNK)) if self.done > CHUNK else 1.0
        vectors = [
            to_vector(g, np.linalg.cholesky(s))
            for g, s in zip(output.gamma, output.sigma, strict=True)
        ]
        self.beta += share * (chain.sums[0] / CHUNK - self.beta)
        self.squares += share * (chain.sums[1] / CHUNK - self.squares)
        self.q += share * (np.mean(vectors, axis=0) - self.q)
        gamma, root = from_vector(self.q, *chain.population[0].shape)
        if self.done >= 6 * CHUNK:
            self._renew_surrogate(gamma, root)
        self._renew_metric(gamma, root)

    def _renew_surrogate(self, gamma: Floats, root: Floats) -> None:
        """H = V^-1 - P, kept positive, and h_i = V^-1 mean(beta_i) - P mu_i."""
        chain = self.chain
        n = chain.packed.respondents
        flat = np.moveaxis(self.beta, 1, 2).reshape(-1, root.shape[0])[:n]
        V = (self.squares - flat.T @ flat) / n
        inverse = inverse_lower(root)
        values, vectors = np.linalg.eigh(inverse @ V @ inverse.T)
        values = np.clip(values, 0.01, 0.97)
        turned = inverse.T @ vectors
        P = inverse.T @ inverse
        chain.tuning.H = np.ascontiguousarray((turned * (1.0 / values - 1.0)) @ turned.T)
        score = np.einsum("kl,bls->bks", chain.tuning.H + P, self.beta)
        score -= np.einsum("kq,bqs->bks", P @ gamma.T, chain.study[4])
        chain.tuning.score = score.astype(f4)

    def _renew_metric(self, gamma: Floats, root: Floats) -> None:
        chain = self.chain
        if self.measured or self.done >= MEASURED[0] * self.length:
            if len(self.measured) == len(MEASURED):
                return
            if self.done < MEASURED[len(self.measured)] * self.length:
                return
            self._measure(gamma, root)
        elif self.done >= 1.5 * self.renewed:
            self.renewed = self.done
            chain.tuning.metric = fisher_metric(gamma, root, chain.tuning.H, chain.ww, chain.prior)

    def _measure(self, gamma: Floats, root: Floats) -> None:
        """Average the curvatures measured so far; directions of little curvature are bounded."""
        chain = self.chain
        fisher = fisher_metric(gamma, root, chain.tuning.H, chain.ww, chain.prior)
        population, study, surrogate, prior = chain._groups
        found = curvature(
            0.1, fisher, population, study, surrogate, prior, chain.state, chain.spare, chain.z
        )
        back = np.linalg.inv(fisher)
        self.measured.append(back.T @ found @ back)
        values, vectors = np.linalg.eigh(fisher.T @ np.mean(self.measured, axis=0) @ fisher)
        scale = np.maximum(values, 0.3) ** -0.5
        chain.tuning.metric = np.ascontiguousarray(fisher @ (vectors * scale))
