"""Have the chains converged, and how much are the draws worth?"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.packing import Packed
from analysis.choices.hb.priors import Prior
from analysis.choices.hb.sampling import Posterior, Progress, Settings, State, joined, sample

Floats = NDArray[np.float64]
R_HAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
"""Limits of Vehtari, Gelman, Simpson, Carpenter & Burkner (2021), Bayesian Analysis 16."""
SHOWN_RESPONDENTS = 50


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """R-hat and effective sample sizes, the worst over all parameters.

    ``r_hat_max``, ``ess_bulk_min`` and ``ess_tail_min`` are over Gamma, diag(Sigma) and the
    log-likelihood; ``ess_bulk_min_beta`` over the part-worths of up to 50 respondents spread over
    the study (kept draws). ``reasons`` says why the draws are not final; empty means converged.
    """

    r_hat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    ess_bulk_min_beta: float
    beta_acceptance: float
    population_acceptance: float
    cpu_seconds_warm_up: float
    cpu_seconds_sampling: float
    reasons: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether the result may be presented as final."""
        return not self.reasons


def diagnose(posterior: Posterior) -> Diagnostics:
    """Diagnostics of a posterior, by arviz (rank-normalised split R-hat, bulk and tail ESS)."""
    chains, draws = posterior.log_likelihood.shape
    spread = np.diagonal(posterior.sigma, axis1=2, axis2=3)
    population = np.concatenate(
        [
            posterior.gamma.reshape(chains, draws, -1),
            spread,
            posterior.log_likelihood[:, :, None],
        ],
        axis=2,
    )
    r_hat = float(np.max(r_hats(population)))
    bulk = float(np.min(effective(population, "bulk")))
    tail = float(np.min(effective(population, "tail")))
    return Diagnostics(
        r_hat_max=r_hat,
        ess_bulk_min=bulk,
        ess_tail_min=tail,
        ess_bulk_min_beta=_least_beta(posterior),
        beta_acceptance=float(np.mean(posterior.beta_acceptance)),
        population_acceptance=float(np.mean(posterior.population_acceptance)),
        cpu_seconds_warm_up=posterior.cpu_seconds_warm_up,
        cpu_seconds_sampling=posterior.cpu_seconds_sampling,
        reasons=_reasons(chains, r_hat, bulk, tail),
    )


def sample_until(
    packed: Packed,
    covariates: Floats,
    prior: Prior,
    *,
    seed: int,
    settings: Settings,
    state: State | None,
    progress: Progress | None,
) -> tuple[Posterior, Diagnostics]:
    """``sample``, and go on, doubling, while the diagnostics do not pass and draws are allowed.

    The draws of all parts count together. One chain never passes, so it never goes on.
    """
    before = 0

    def report(done: int, total: int) -> bool | None:
        return progress(before + done, before + total) if progress else None

    def go(settings: Settings, state: State | None) -> Posterior:
        return sample(
            packed,
            covariates,
            prior,
            seed=seed,
            settings=settings,
            state=state,
            progress=report,
        )

    posterior = go(settings, state)
    found = diagnose(posterior)
    before = settings.chains * (settings.draws + (0 if state else settings.burn_in))
    while not found.converged and settings.chains > 1:
        length = posterior.log_likelihood.shape[1]
        further = min(length, settings.at_most - length)
        if further <= 0:
            break
        longer = replace(settings, draws=further, thinning=2 * posterior.every)
        posterior = joined(posterior, go(longer, posterior.state))
        found = diagnose(posterior)
        before += settings.chains * further
    return posterior, found


def _least_beta(posterior: Posterior) -> float:
    chains, kept, n, _ = posterior.beta.shape
    if kept < 4:
        return float("nan")
    chosen = np.unique(np.linspace(0, n - 1, SHOWN_RESPONDENTS).astype(int))
    betas = posterior.beta[:, :, chosen].reshape(chains, kept, -1).astype(float)
    return float(np.min(effective(betas, "bulk")))


def _reasons(chains: int, r_hat: float, bulk: float, tail: float) -> tuple[str, ...]:
    found = []
    if chains < 2:
        found.append("one chain cannot show that it forgot its start: run two or more")
    if not r_hat < R_HAT_LIMIT:
        found.append(f"R-hat is {r_hat:.4f}, not below {R_HAT_LIMIT}: run more draws")
    needed = ESS_PER_CHAIN * chains
    for name, value in (("bulk", bulk), ("tail", tail)):
        if not value >= needed:
            found.append(f"{name} ESS is {value:.0f}, below {needed}: run more draws")
    return tuple(found)


def r_hats(draws: Floats) -> Floats:
    """R-hat of every column of (chains, draws, parameters)."""
    return _each(_arviz().rhat, draws)


def effective(draws: Floats, method: str) -> Floats:
    """Effective sample size ('bulk' or 'tail') of every column of (chains, draws, parameters)."""
    return _each(lambda column: _arviz().ess(column, method=method), draws)


def _each(statistic: Callable[[Floats], Any], draws: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = (draws[:, :, k] for k in range(draws.shape[2]))
        return np.array([float(statistic(np.ascontiguousarray(c))) for c in columns])


def _arviz() -> Any:
    """Arviz, without the announcement of its next version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import arviz
    return arviz
