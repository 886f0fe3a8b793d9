"""What the models of buying until dropping out have in common, and how they are fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.likelihood import TOLERANCE, Optimum, Surface, maximise
from analysis.purchases.lifetime_value.prior import ROUGHLY, Penalty

RATE_PLACE, RATE_SIGN = 1, -1
CHUNK = 4_000
"""Rows in hand at a time."""
MANY, SAMPLE = 20_000, 4_000
"""With more rows than MANY, about SAMPLE of them give the first guess."""
VAGUE = 1.0
"""A parameter with a standard error above this share of it is hardly known."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model says of every row; derivatives by the logarithms of its four parameters.

    Attributes
    ----------
    log_likelihood, p_alive
        (rows,)
    gradient, logit_alive_gradient
        (rows, 4); the latter of log(P / (1 - P)), P the chance to be alive, and 0 where P is 1.
    hessian
        (rows, 4, 4)
    """

    log_likelihood: Floats
    gradient: Floats
    hessian: Floats
    p_alive: Floats
    logit_alive_gradient: Floats

    @classmethod
    def of_natural(
        cls,
        parameters: Floats,
        *,
        log_likelihood: Floats,
        gradient: Floats,
        hessian: Floats,
        p_alive: Floats,
        log_alive_gradient: Floats,
    ) -> Self:
        """From derivatives by the (rows, 4) parameters themselves."""
        by_log = gradient * parameters
        curved = hessian * parameters[:, :, None] * parameters[:, None, :]
        curved[:, range(4), range(4)] += by_log
        gone = np.maximum(1 - p_alive, 1e-300)[:, None]
        logit = np.where(p_alive[:, None] < 1, log_alive_gradient * parameters / gone, 0.0)
        return cls(log_likelihood, by_log, curved, p_alive, logit)


@dataclass(frozen=True, slots=True)
class BuyingModel:
    """A model of buying until dropping out, with four positive parameters.

    Covariates multiply a customer's purchase rate (they divide the parameter at ``RATE_PLACE``)
    and the parameter at ``dropout_place`` (``dropout_sign`` -1: they divide it).
    """

    name: str
    title: str
    parameters: tuple[str, str, str, str]
    dropout_place: int
    dropout_sign: int
    terms: Callable[[Histories, Floats], Terms]
    rate_if_alive: Callable[[Histories, Floats, Floats], Floats]
    scale: Callable[[Histories, Floats], Floats]
    draw_if_alive: Callable[[Histories, Floats, float, np.random.Generator], tuple[Floats, Floats]]

    def start(self, histories: Histories) -> Floats:
        """Where to begin: everybody buys at the mean rate, and half of all are long gone."""
        weeks = float(np.average(histories.T, weights=histories.n)) + 1e-3
        bought = float(np.average(histories.x, weights=histories.n)) + 1e-3
        by_name = {"r": 1.0, "alpha": weeks / bought, "s": 1.0, "beta": weeks, "a": 1.0, "b": 3.0}
        return np.log([by_name[name] for name in self.parameters])

    def lever(self, covariates: Covariates) -> Floats:
        """Derivatives of the rows' log parameters by the coefficients: (rows, 4, 4 + C)."""
        rates = covariates.rate.shape[1]
        lever = np.zeros((len(covariates.rate), 4, 4 + rates + covariates.dropout.shape[1]))
        lever[:, range(4), range(4)] = 1.0
        lever[:, RATE_PLACE, 4 : 4 + rates] = RATE_SIGN * covariates.rate
        lever[:, self.dropout_place, 4 + rates :] = self.dropout_sign * covariates.dropout
        return lever


@dataclass(frozen=True, slots=True)
class BuyingFit:
    """A fitted model of buying.

    Attributes
    ----------
    coefficients
        (4 + C,): logarithms of the parameters, then covariates of the rate, then of dropout.
    covariance
        (4 + C, 4 + C) of the coefficients: inverse of the negative Hessian.
    n_rows, n_customers
        Distinct histories, and the customers behind them.
    penalty
        The prior, where the fit has one; None: maximum likelihood.
    """

    model: BuyingModel
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    iterations: int
    n_rows: int
    n_customers: int
    covariate_names: tuple[str, ...]
    penalty: Penalty | None = None

    def at(self, coefficients: Floats) -> BuyingFit:
        """The same fit at other coefficients."""
        return replace(self, coefficients=coefficients)

    @property
    def vague(self) -> tuple[str, ...]:
        """Parameters that are hardly known."""
        errors = np.sqrt(np.diag(self.covariance)[:4])
        return tuple(
            name for name, e in zip(self.model.parameters, errors, strict=True) if e > VAGUE
        )

    @property
    def parameters(self) -> dict[str, float]:
        """The four parameters by name (of a customer whose covariates are zero)."""
        return dict(
            zip(self.model.parameters, map(float, np.exp(self.coefficients[:4])), strict=True)
        )

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of the parameters (delta method from their logarithms)."""
        errors = np.sqrt(np.diag(self.covariance)[:4]) * np.exp(self.coefficients[:4])
        return dict(zip(self.model.parameters, map(float, errors), strict=True))

    @property
    def covariates(self) -> dict[str, tuple[float, float]]:
        """Coefficient and standard error of every covariate."""
        errors = np.sqrt(np.diag(self.covariance)[4:])
        pairs = zip(map(float, self.coefficients[4:]), map(float, errors), strict=True)
        return dict(zip(self.covariate_names, pairs, strict=True))

    def logs(self, n_rows: int, covariates: Covariates | None = None) -> Floats:
        """Logarithms of the parameters of every row: (rows, 4)."""
        return row_logs(self.model, self.coefficients, n_rows, covariates)


def fit_buying(
    model: BuyingModel, histories: Histories, *, covariates: Covariates | None = None
) -> BuyingFit:
    """Fit a model by maximum likelihood with exact derivatives.

    Parameters
    ----------
    model
        ``PARETO_NBD`` or ``BG_NBD``.
    histories
        Grouped or not: the same result, grouped ones are quicker.
    covariates
        Numbers of the rows, on which the logarithm of rate and dropout depend.

    Raises
    ------
    NotIdentified, NotConverged
        When there is no finite maximum, or it is not reached.
    """
    names = model.parameters if covariates is None else (*model.parameters, *covariates.names)
    start = np.concatenate([model.start(histories), np.zeros(len(names) - 4)])
    if len(histories) > MANY:
        some, fewer = sample(histories, covariates)
        start = _climb(model, some, fewer, (start, names, ROUGHLY)).at
    found = _climb(model, histories, covariates, (start, names, TOLERANCE))
    return fit_at(model, histories, found, names)


def sample(
    histories: Histories, covariates: Covariates | None
) -> tuple[Histories, Covariates | None]:
    """About ``SAMPLE`` of many rows, counted so often that they stand for all."""
    chosen = np.arange(0, len(histories), max(len(histories) // SAMPLE, 1))
    some = histories.rows(chosen)
    some = replace(some, n=some.n * (histories.n.sum() / some.n.sum()))
    return some, None if covariates is None else covariates.rows(chosen)


def fit_at(
    model: BuyingModel,
    histories: Histories,
    found: Optimum,
    names: tuple[str, ...],
    penalty: Penalty | None = None,
) -> BuyingFit:
    """The fit of a model at its maximum; ``names`` are its parameters', then its covariates'."""
    return BuyingFit(
        model=model,
        coefficients=found.at,
        covariance=found.covariance,
        log_likelihood=found.log_likelihood,
        iterations=found.iterations,
        n_rows=len(histories),
        n_customers=histories.customers,
        covariate_names=names[4:],
        penalty=penalty,
    )


def _climb(
    model: BuyingModel,
    histories: Histories,
    covariates: Covariates | None,
    setting: tuple[Floats, tuple[str, ...], float],
) -> Optimum:
    start, names, tolerance = setting
    return maximise(
        lambda at: surface(model, histories, at, covariates),
        start,
        names=names,
        tolerance=tolerance,
    )


def surface(
    model: BuyingModel,
    histories: Histories,
    coefficients: Floats,
    covariates: Covariates | None = None,
) -> Surface:
    """The log-likelihood of all customers with gradient and Hessian by the coefficients."""
    width = len(coefficients)
    value, gradient, hessian = 0.0, np.zeros(width), np.zeros((width, width))
    for start in range(0, len(histories), CHUNK):
        part = slice(start, start + CHUNK)
        rows = histories.rows(part)
        some = None if covariates is None else covariates.rows(part)
        found = model.terms(rows, row_logs(model, coefficients, len(rows), some))
        value += float(rows.n @ found.log_likelihood)
        first = rows.n[:, None] * found.gradient
        second = rows.n[:, None, None] * found.hessian
        if some is None:
            gradient += first.sum(axis=0)
            hessian += second.sum(axis=0)
        else:
            lever = model.lever(some)
            gradient += np.einsum("nkp,nk->p", lever, first)
            hessian += np.einsum("nkp,nkl,nlq->pq", lever, second, lever, optimize=True)
    return Surface(value, gradient, hessian)


def row_logs(
    model: BuyingModel, coefficients: Floats, n_rows: int, covariates: Covariates | None
) -> Floats:
    """Logarithms of the parameters of every row, (rows, 4), at (4 + C,) coefficients."""
    logs = np.tile(coefficients[:4], (n_rows, 1))
    if covariates is not None:
        cut = 4 + covariates.rate.shape[1]
        logs[:, RATE_PLACE] += RATE_SIGN * covariates.rate @ coefficients[4:cut]
        logs[:, model.dropout_place] += model.dropout_sign * covariates.dropout @ coefficients[cut:]
    return logs
