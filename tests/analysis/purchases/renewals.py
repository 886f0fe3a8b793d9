"""Buying at gamma gaps: more regular than Poisson where the shape is above 1."""

import numpy as np


def renewals(daily, shape, generator):
    """Whether customers buy (N, days), at rates a day (N, days) and shapes (N,) of the gaps."""
    bought = generator.poisson(daily) > 0
    for at in np.flatnonzero(shape > 1):
        clock = np.concatenate([[0.0], np.cumsum(daily[at])])
        gaps = generator.gamma(shape[at], 1 / shape[at], int(2 * clock[-1]) + 20)
        times = np.cumsum(gaps) - generator.random()
        day = np.searchsorted(clock, times[times > 0], side="left") - 1
        bought[at] = False
        bought[at, day[day < daily.shape[1]]] = True
    return bought
