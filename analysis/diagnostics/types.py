"""Diagnostics of a fit of choices, as plain frozen data that survives as JSON.

Nothing here computes. ``build`` fills it, ``rendering`` draws it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from analysis.estimate import Estimate

FORMAT = 1
"""Stored diagnostics of this format stay readable; a change of meaning gets a new number."""


class Part(BaseModel):
    """Frozen, no unknown fields, infinities survive JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Fact(Part):
    """Something to know, in words: 'Chains', '2, of 2,000 draws after a burn-in of 400'."""

    name: str
    value: str


class Check(Part):
    """One thing that a statistician looks at."""

    name: str
    found: str
    wanted: str
    passes: bool
    decides: bool = True
    """Whether the result is not final without it; else it is only to know."""


class Parameter(Part):
    """A parameter of the population over all draws."""

    name: str
    symbol: str
    """'mu', 'Sigma' (a variance between respondents) or 'll'."""
    mean: float
    sd: float
    mcse: float
    """Monte-Carlo standard error of the mean."""
    low: float
    """2.5 % of the draws."""
    median: float
    high: float
    """97.5 % of the draws."""
    ess_bulk: float
    ess_tail: float
    r_hat: float


class Trace(Part):
    """How one parameter moved, chain by chain."""

    name: str
    chains: tuple[tuple[float, ...], ...]
    """Every ``every``-th draw of each chain."""
    every: int
    draws: int
    """Of each chain."""
    ranks: tuple[tuple[int, ...], ...]
    """Of each chain: how many of its draws rank in each twentieth of the draws of all chains."""


class Coefficient(Part):
    """A part-worth of an aggregate logit with its three standard errors."""

    name: str
    value: float
    se: float
    """Classical: the inverse information."""
    se_robust: float
    """Sandwich over tasks."""
    se_cluster: float | None
    """Sandwich over respondents; None when there are too few."""


class Likelihoods(Part):
    """Root likelihood (RLH) of the respondents: the geometric mean of the chances of what they
    chose in the tasks of the fit."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    chance: float
    """What equal chances would score."""
    median: float
    below_chance: int
    """Respondents who score less than equal chances."""
    n: int


class ShareError(Part):
    """Mean absolute error of predicted shares over the alternatives of fixed tasks."""

    mae: float | None = None
    noise: float | None = None
    """What sampling alone would make of shares that are exactly right, on average."""
    noise_high: float | None = None
    """97.5 % of that."""
    tasks: int = 0
    reason: str = ""
    """Why there are no numbers."""


class Predicted(Part):
    """One way of predicting the holdout tasks, and how well it did."""

    name: str
    hit_rate: Estimate
    """How often the likeliest alternative was chosen."""
    log_loss: Estimate
    """Mean of minus the logarithm of the chance of what was chosen: less is better."""
    shares: ShareError | None = None


class Prediction(Part):
    """Choice tasks that were kept out of the fit, predicted by it and by those who know less."""

    respondents: int
    tasks: int
    """Answers to holdout tasks, of all respondents."""
    fit: Predicted
    others: tuple[Predicted, ...]
    repeated: Estimate
    """How often the same task got the same answer again: the ceiling."""


class Diagnostics(Part):
    """Everything the diagnostics page shows."""

    format: Literal[1] = 1
    study: str
    title: str
    exercise: str
    simulated: bool
    estimator: Literal["mnl", "hb"]
    estimator_label: str
    n_respondents: int
    n_tasks: int
    seed: int
    program: str
    final: bool
    """Whether every check that decides it is passed."""
    verdict: str
    checks: tuple[Check, ...]
    facts: tuple[Fact, ...]
    prior: tuple[Fact, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    traces: tuple[Trace, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    likelihoods: Likelihoods | None = None
    prediction: Prediction | None = None
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
