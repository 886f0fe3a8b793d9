"""Diagnostics of hierarchical Bayes: parameters, traces, and the checks of the chains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from analysis.choices.coding import Floats
from analysis.choices.hb.constraints import Constraints
from analysis.choices.hb.diagnostics import (
    ESS_PER_CHAIN,
    R_HAT_LIMIT,
    Diagnostics,
    effective,
    r_hats,
)
from analysis.choices.hb.fit import Hierarchy
from analysis.choices.hb.market import wrong_price_sign
from analysis.diagnostics.fit import Fit, column_labels
from analysis.diagnostics.types import Check, Fact, Parameter, Trace
from analysis.rendering.figures import decimal, percent, whole
from analysis.rendering.figures import effective as effective_words

SHOWN_OF_EACH = 4
"""Traces of means and of variances that are drawn: those that mix worst."""
POINTS = 250
RANK_BINS = 20
ACCEPTANCE = (0.6, 0.95)
WRONG_SIGN = 0.05
STRETCHED = (
    "where people differ less than the prior expects, it stretches all part-worths alike, by up to "
    "about a tenth in our tests; money values and shares shed that: compare those"
)


def population(fit: Fit, hierarchy: Hierarchy) -> tuple[list[tuple[str, str]], Floats]:
    """(symbol, name) of every population parameter, and draws (chains, draws, parameters)."""
    posterior = hierarchy.posterior
    chains, draws = posterior.log_likelihood.shape
    labels = column_labels(fit.fitted.coding)
    names = [("mu", label) for label in labels]
    for covariate in hierarchy.covariates:
        names += [("Gamma", f"{covariate}: {label}") for label in labels]
    names += [("Sigma", label) for label in labels]
    names.append(("ll", "Log-likelihood"))
    values = (
        posterior.gamma.reshape(chains, draws, -1),
        np.diagonal(posterior.sigma, axis1=2, axis2=3),
        posterior.log_likelihood[:, :, None],
    )
    return names, np.concatenate(values, axis=2)


def parameters(names: list[tuple[str, str]], draws: Floats) -> tuple[Parameter, ...]:
    """Mean, spread, quantiles and diagnostics of every parameter."""
    flat = draws.reshape(-1, draws.shape[2])
    deviation = flat.std(axis=0, ddof=1)
    error = deviation / np.sqrt(effective(draws, "mean"))
    low, median, high = np.quantile(flat, [0.025, 0.5, 0.975], axis=0)
    bulk, tail = effective(draws, "bulk"), effective(draws, "tail")
    r_hat = r_hats(draws)
    return tuple(
        Parameter(
            name=name,
            symbol=symbol,
            mean=float(flat[:, k].mean()),
            sd=float(deviation[k]),
            mcse=float(error[k]),
            low=float(low[k]),
            median=float(median[k]),
            high=float(high[k]),
            ess_bulk=float(bulk[k]),
            ess_tail=float(tail[k]),
            r_hat=float(r_hat[k]),
        )
        for k, (symbol, name) in enumerate(names)
    )


def traces(found: tuple[Parameter, ...], draws: Floats) -> tuple[Trace, ...]:
    """The log-likelihood, and of means and variances those with the fewest effective draws."""
    chosen = [k for k, parameter in enumerate(found) if parameter.symbol == "ll"]
    for symbol in ("mu", "Sigma"):
        own = [k for k, parameter in enumerate(found) if parameter.symbol == symbol]
        chosen += sorted(own, key=lambda k: found[k].ess_bulk)[:SHOWN_OF_EACH]
    return tuple(_trace(found[k], draws[:, :, k]) for k in chosen)


def _trace(parameter: Parameter, draws: Floats) -> Trace:
    every = max(1, -(-draws.shape[1] // POINTS))
    ranks = rankdata(draws).reshape(draws.shape)
    bins = [
        np.histogram(chain, bins=RANK_BINS, range=(0.5, draws.size + 0.5))[0] for chain in ranks
    ]
    return Trace(
        name=titled(parameter),
        chains=tuple(tuple(float(f"{x:.5g}") for x in chain[::every]) for chain in draws),
        every=every,
        draws=draws.shape[1],
        ranks=tuple(tuple(int(n) for n in counts) for counts in bins),
    )


def titled(parameter: Parameter) -> str:
    """A parameter with what it is: 'Mean of Price per USD'."""
    words = {"mu": "Mean of ", "Sigma": "Variance of ", "Gamma": "Effect of ", "ll": ""}
    return words[parameter.symbol] + parameter.name


def checks(fit: Fit, hierarchy: Hierarchy, found: tuple[Parameter, ...]) -> Iterator[Check]:
    """What decides whether the draws are final, then what a reader should know."""
    known = hierarchy.diagnostics
    chains = len(hierarchy.posterior.log_likelihood)
    yield Check(
        name="Several chains",
        found=str(chains),
        wanted="2 or more, each from a start of its own",
        passes=chains > 1,
    )
    worst = max(found, key=lambda p: p.r_hat)
    yield Check(
        name="The chains agree (R-hat)",
        found=f"{decimal(known.r_hat_max, 3)}, the worst of {len(found)}: {titled(worst)}",
        wanted=f"below {R_HAT_LIMIT}",
        passes=known.r_hat_max < R_HAT_LIMIT,
    )
    needed = ESS_PER_CHAIN * chains
    for kind, least in (("bulk", known.ess_bulk_min), ("tail", known.ess_tail_min)):
        of = min(found, key=lambda p: p.ess_bulk if kind == "bulk" else p.ess_tail)
        yield Check(
            name=f"Effective draws, {'middle' if kind == 'bulk' else 'ends'} ({kind} ESS)",
            found=f"{effective_words(least)}, the least of {len(found)}: {titled(of)}",
            wanted=f"at least {whole(needed)} ({ESS_PER_CHAIN} a chain)",
            passes=least >= needed,
        )
    yield from _advice(fit, known)


def _advice(fit: Fit, known: Diagnostics) -> Iterator[Check]:
    rates = (known.beta_acceptance, known.population_acceptance)
    yield Check(
        name="Acceptance of the moves",
        found=" and ".join(decimal(rate, 2) for rate in rates),
        wanted=f"{ACCEPTANCE[0]} to {ACCEPTANCE[1]} (target 0.8)",
        passes=all(ACCEPTANCE[0] <= rate <= ACCEPTANCE[1] for rate in rates),
        decides=False,
    )
    if np.isfinite(known.ess_bulk_min_beta):
        yield Check(
            name="Effective draws of single respondents",
            found=f"{whole(known.ess_bulk_min_beta)}, the least part-worth of up to 50 people",
            wanted=f"at least {ESS_PER_CHAIN}",
            passes=known.ess_bulk_min_beta >= ESS_PER_CHAIN,
            decides=False,
        )
    risk = wrong_price_sign(fit.fitted)
    if risk is not None:
        yield Check(
            name="Price deters",
            found=f"{percent(risk)} of all draws of respondents like a higher price",
            wanted=f"under {percent(WRONG_SIGN)}, else money values stretch far",
            passes=risk < WRONG_SIGN,
            decides=False,
        )


def facts(fit: Fit, hierarchy: Hierarchy) -> tuple[Fact, ...]:
    """How the chains were run."""
    posterior = hierarchy.posterior
    kept = posterior.beta.shape[0] * posterior.beta.shape[1]
    found = [
        Fact(name="Chains", value=fit.chains()),
        Fact(
            name="Draws of single respondents",
            value=f"{whole(kept)} in all, one of every {posterior.every} of each chain",
        ),
        Fact(
            name="Log-likelihood, mean over draws",
            value=f"{decimal(fit.fitted.log_likelihood, 1)}; equal chances "
            f"{decimal(fit.fitted.null_log_likelihood, 1)}",
        ),
    ]
    if hierarchy.covariates:
        found.append(Fact(name="Upper level", value=", ".join(hierarchy.covariates)))
    return tuple(found)


def prior(fit: Fit, hierarchy: Hierarchy) -> tuple[Fact, ...]:
    """The prior as used, and how much it weighs."""
    used = hierarchy.prior
    width = len(used.scale)
    names = column_labels(fit.fitted.coding)
    centre = used.nu - width - 1
    variances = "; ".join(
        f"{name} {decimal(value, 2)}"
        for name, value in zip(names, np.diag(used.scale) / max(centre, 1e-12), strict=True)
    )
    found = [
        Fact(name="Name", value=fit.prior or "own"),
        Fact(
            name="Means",
            value=f"mu | Sigma ~ N(0, Sigma / {used.precision[0, 0]:g})",
        ),
        Fact(
            name="Variances",
            value=f"Sigma ~ inverse Wishart, {used.nu:g} degrees of freedom: it weighs about as "
            f"much as {used.nu:g} respondents beside the {whole(fit.fitted.n_respondents)}",
        ),
    ]
    if centre > 0:
        found.append(Fact(name="Prior mean of the variances", value=variances))
    if hierarchy.constraints:
        found.append(_held(hierarchy, hierarchy.constraints))
    elif fit.prior == "sawtooth":
        found.append(Fact(name="Scale", value=STRETCHED))
    return tuple(found)


def _held(hierarchy: Hierarchy, constraints: Constraints) -> Fact:
    """Which attributes keep to an order, and that the prior is then one of logarithms."""
    medians = hierarchy.prior.medians
    sizes = "; ".join(
        f"{step.attribute} from {step.from_level} to {step.to_level} "
        f"{decimal(1.0 if medians is None else float(medians[step.column]), 2)}"
        for step in constraints.steps
    )
    return Fact(
        name="Held to an order",
        value=f"{', '.join(constraints.attributes)}: there mu and Sigma of the prior are those of "
        f"the logarithm of each step, in multiples of {sizes}. The parameters below are means and "
        "variances of the part-worths",
    )
