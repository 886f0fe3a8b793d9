"""Diagnostics of the aggregate logit: optimum, identification, three standard errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.choices.coding import Floats, covariate_columns
from analysis.choices.mnl import evaluate
from analysis.choices.sets import choice_sets
from analysis.choices.willingness_to_pay import wrong_sign_probability
from analysis.diagnostics.fit import Fit, column_labels
from analysis.diagnostics.types import Check, Coefficient, Fact
from analysis.rendering.figures import decimal, percent, whole

DECREMENT = 1e-8
"""g'H^-1 g, about twice what the log-likelihood could still gain."""
CONDITION = 900.0
"""Square of the condition index 30 of Belsley, Kuh & Welsch (1980)."""
FEW = 30
WRONG_SIGN = 0.001


def coefficients(fit: Fit) -> tuple[Coefficient, ...]:
    """Every column of the coding."""
    fitted = fit.fitted
    errors = {
        kind: np.sqrt(np.maximum(np.diag(fitted.covariance(kind)), 0.0))
        for kind in ("classical", "robust", "cluster")
    }
    known = not fitted.why_no_intervals("cluster")
    return tuple(
        Coefficient(
            name=name,
            value=float(fitted.coefficients[k]),
            se=float(errors["classical"][k]),
            se_robust=float(errors["robust"][k]),
            se_cluster=float(errors["cluster"][k]) if known else None,
        )
        for k, name in enumerate(column_labels(fitted.coding))
    )


def checks(fit: Fit) -> Iterator[Check]:
    """The optimum, identification and separation decide; the others are to know."""
    fitted = fit.fitted
    frame = covariate_columns(fit.choices.frame, fitted.coding.covariates)
    last = evaluate(choice_sets(fitted.coding, frame, fit.weights), fitted.coefficients)
    decrement = float(last.gradient @ np.linalg.solve(last.information, last.gradient))
    yield Check(
        name="The optimum is reached",
        found=f"gradient norm {np.linalg.norm(last.gradient):.1e}, Newton decrement "
        f"{decrement:.1e}, after {fitted.iterations} steps",
        wanted=f"decrement below {DECREMENT:.0e}",
        passes=decrement < DECREMENT,
    )
    yield Check(
        name="Every part-worth can be told from the others",
        found="the information has full rank; a fit without is refused",
        wanted="full rank",
        passes=True,
    )
    yield Check(
        name="No separation",
        found=f"utilities within a task differ by {decimal(last.widest, 1)} at most; choices that "
        "a level predicts perfectly are refused",
        wanted="a finite optimum",
        passes=True,
    )
    condition = _condition(last.information)
    yield Check(
        name="The tasks separate the attributes well",
        found=f"condition number {condition:,.0f} of the scaled information",
        wanted=f"below {CONDITION:,.0f}",
        passes=condition < CONDITION,
        decides=False,
    )
    people, width = fitted.n_respondents, fitted.coding.width
    yield Check(
        name="Enough respondents for clustered errors",
        found=f"{whole(people)} respondents, {width} part-worths",
        wanted=f"{max(FEW, width + 1)} or more",
        passes=people >= max(FEW, width + 1),
        decides=False,
    )
    risk = wrong_sign_probability(fitted) if not fitted.why_no_intervals("cluster") else None
    if risk is not None:
        yield Check(
            name="Price deters",
            found=f"the sign is wrong with probability {percent(risk)}",
            wanted="under 0.1%",
            passes=risk < WRONG_SIGN,
            decides=False,
        )


def facts(fit: Fit) -> tuple[Fact, ...]:
    """How the fit stands."""
    fitted = fit.fitted
    rho = 1 - fitted.log_likelihood / fitted.null_log_likelihood
    return (
        Fact(name="Newton steps", value=str(fitted.iterations)),
        Fact(
            name="Log-likelihood",
            value=f"{decimal(fitted.log_likelihood, 3)}; equal chances "
            f"{decimal(fitted.null_log_likelihood, 3)}; McFadden's R² {decimal(rho, 3)}",
        ),
        Fact(
            name="Errors of a person's answers together",
            value=f"clustered errors are {_ratio(fit)} the classical ones",
        ),
    )


def _ratio(fit: Fit) -> str:
    if fit.fitted.why_no_intervals("cluster"):
        return "not known beside"
    classical, cluster = (np.diag(fit.fitted.covariance(kind)) for kind in ("classical", "cluster"))
    ratios = np.sqrt(cluster / classical)
    return f"{decimal(float(ratios.min()), 2)} to {decimal(float(ratios.max()), 2)} times"


def _condition(information: Floats) -> float:
    """Of the information with every column scaled to a diagonal of one."""
    scale = np.sqrt(np.diag(information))
    return float(np.linalg.cond(information / np.outer(scale, scale)))
