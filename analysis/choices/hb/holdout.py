"""How well draws predict the tasks that were kept out of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from analysis.choices.hb.fit import Hierarchy
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import Chunk, choice_sets
from analysis.tables import Choices

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HoldoutFit:
    """Predictions of holdout tasks, chances averaged over draws.

    ``log_loss`` is the mean of -log of the chance of what was chosen; ``chance_log_loss`` that of
    equal chances; ``hit_rate`` how often the likeliest alternative was chosen. With a
    dual-response none, losses are of both answers and hits of the first.
    """

    tasks: int
    log_loss: float
    chance_log_loss: float
    hit_rate: float


def holdout_fit(part_worths: PartWorths, choices: Choices) -> HoldoutFit | None:
    """Predict the holdout tasks of respondents in the fit; None when there are none."""
    hierarchy = part_worths.hierarchy
    if hierarchy is None:
        raise ValueError(f"estimator '{part_worths.estimator}' has no draws of respondents")
    frame = choices.frame
    known = frame["respondent"].astype(str).isin(hierarchy.respondents)
    held = frame[(frame["role"] == "holdout") & known]
    if held.empty:
        return None
    sets = choice_sets(part_worths.coding, held.assign(role="estimation").reset_index(drop=True))
    place = {name: n for n, name in enumerate(hierarchy.respondents)}
    people = np.array([place[name] for name in sets.respondents])[sets.respondent]
    none = part_worths.coding.row(None) if sets.bought is not None else None
    losses, hits = [], []
    for chunk in sets.chunks():
        chances, answered = _chances(chunk, hierarchy, people[chunk.place], none)
        losses.append(-np.log(answered))
        hits.append(chances.argmax(1) == chunk.chosen)
    loss, hit = np.concatenate(losses), np.concatenate(hits)
    equal = -sets.null_log_likelihood() / sets.n_tasks
    return HoldoutFit(sets.n_tasks, float(loss.mean()), equal, float(hit.mean()))


def _chances(
    chunk: Chunk, hierarchy: Hierarchy, people: NDArray[np.int64], none: Floats | None
) -> tuple[Floats, Floats]:
    """Chances of every alternative (tasks, size) and of the answers (tasks,), over kept draws.

    ``none`` (K,) is the none alternative of a dual response.
    """
    x = chunk.x.reshape(len(people), chunk.size, -1)
    total, answered = np.zeros(x.shape[:2]), np.zeros(len(x))
    every = np.arange(len(x))
    draws = 0
    for chain in hierarchy.posterior.beta:
        for beta in chain:
            utility = np.einsum("tjk,tk->tj", x, beta[people])
            top = utility.max(1, keepdims=True)
            chance = np.exp(utility - top)
            sums = chance.sum(1, keepdims=True)
            chance /= sums
            total += chance
            both = chance[every, chunk.chosen]
            if none is not None and chunk.bought is not None:
                worth = top[:, 0] + np.log(sums[:, 0]) - beta[people] @ none
                both = both * expit(np.where(chunk.bought > 0, worth, -worth))
            answered += both
            draws += 1
    return total / draws, answered / draws
