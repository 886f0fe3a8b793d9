"""Drawing on until the chains agree, or until a stated limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analysis.choices.hb.fit import fit_hb
from analysis.choices.hb.priors import Prior, PriorName
from analysis.choices.hb.sampling import Progress, Settings
from analysis.choices.partworths import PartWorths
from analysis.study import Study
from analysis.tables import Choices

LONGEST = 14_000
"""Draws a chain after which the run ends, converged or not: 2,000, then 4,000, then 8,000."""
Told = Callable[[str, int, int], bool | None]
"""Called with a step in words, draws done, and draws in all; returning False cancels."""


def fit_until_final(
    study: Study,
    choices: Choices,
    *,
    seed: int,
    prior: PriorName | Prior = "sawtooth",
    settings: Settings | None = None,
    longest: int = LONGEST,
    progress: Told | None = None,
) -> PartWorths:
    """Fit a hierarchical logit, and go on with twice the draws while its diagnostics fail.

    The draws of a round that failed count as burn-in of the next one, so that the result rests on
    the last round alone. See ``fit_hb`` for the arguments and errors.

    Parameters
    ----------
    longest
        Draws a chain in all, after the burn-in, that no further round may exceed.

    Returns
    -------
    PartWorths
        ``converged`` is False when the limit came first; ``iterations`` are the draws a chain.
    """
    used = settings or Settings()
    fitted = fit_hb(
        study,
        choices,
        seed=seed,
        prior=prior,
        settings=used,
        progress=_said("Drawing everybody's part-worths", progress),
    )
    while not fitted.converged and used.chains > 1:
        assert fitted.hierarchy is not None
        used = replace(used, draws=2 * used.draws)
        if fitted.iterations + used.draws > longest:
            break
        fitted = fit_hb(
            study,
            choices,
            seed=seed,
            prior=prior,
            settings=used,
            state=fitted.hierarchy.posterior.state,
            progress=_said("The chains do not agree yet: drawing on", progress),
        )
    return fitted


def _said(step: str, progress: Told | None) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress(step, done, total)
