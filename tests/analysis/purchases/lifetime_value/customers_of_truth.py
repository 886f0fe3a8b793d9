"""Customers who buy until they drop out, with known parameters."""

from __future__ import annotations

import numpy as np

from analysis.purchases.lifetime_value.grouped import Histories

PARETO = {"r": 0.8, "alpha": 6.0, "s": 0.7, "beta": 20.0}
BG = {"r": 0.7, "alpha": 5.0, "a": 0.8, "b": 3.0}


def buying_times(model, truth, n, *, weeks, generator, rate_factor=1.0, dropout_factor=1.0):
    """Weeks of the repeat purchases of every customer: a list of arrays."""
    rate = generator.gamma(truth["r"], 1 / truth["alpha"], n) * rate_factor
    if model == "pareto-nbd":
        leaving = generator.gamma(truth["s"], 1 / truth["beta"], n) * dropout_factor
        until = np.minimum(generator.exponential(1 / leaving), weeks)
    else:
        chance = generator.beta(truth["a"] * dropout_factor, truth["b"], n)
        until = np.full(n, float(weeks))
    found = []
    for customer in range(n):
        count = generator.poisson(rate[customer] * until[customer])
        times = np.sort(generator.uniform(0, until[customer], count))
        if model == "bg-nbd":
            times = times[: generator.geometric(max(chance[customer], 1e-9))]
        found.append(times)
    return found


def observed(times, T):
    """Histories of customers watched for T (n,) weeks."""
    seen = [own[own <= until] for own, until in zip(times, T, strict=True)]
    x = np.array([len(own) for own in seen], dtype=float)
    t_x = np.array([own[-1] if len(own) else 0.0 for own in seen])
    return Histories(x, t_x, np.asarray(T, dtype=float), np.ones(len(x)))
