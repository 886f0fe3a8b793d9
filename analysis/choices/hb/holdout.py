"""How well draws predict the tasks that were kept out of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.fit import Hierarchy
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import Chunk, choice_sets
from analysis.tables import Choices

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HoldoutFit:
    """Predictions of holdout tasks, chances averaged over draws.

    ``log_loss`` is the mean of -log of the chance of what was chosen; ``chance_log_loss`` that of
    equal chances; ``hit_rate`` how often the likeliest alternative was chosen.
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
    losses, hits, blind = [], [], []
    for chunk in sets.chunks():
        chances = _chances(chunk, hierarchy, people[chunk.place])
        chosen = chances[np.arange(len(chances)), chunk.chosen]
        losses.append(-np.log(chosen))
        hits.append(chances.argmax(1) == chunk.chosen)
        blind.append(np.full(len(chosen), np.log(chunk.size)))
    loss, hit, equal = (np.concatenate(parts) for parts in (losses, hits, blind))
    return HoldoutFit(sets.n_tasks, float(loss.mean()), float(equal.mean()), float(hit.mean()))


def _chances(chunk: Chunk, hierarchy: Hierarchy, people: NDArray[np.int64]) -> Floats:
    """(tasks, size) chances of every alternative, averaged over the kept draws."""
    x = chunk.x.reshape(len(people), chunk.size, -1)
    total = np.zeros(x.shape[:2])
    draws = 0
    for chain in hierarchy.posterior.beta:
        for beta in chain:
            utility = np.einsum("tjk,tk->tj", x, beta[people])
            utility -= utility.max(1, keepdims=True)
            chance = np.exp(utility)
            total += chance / chance.sum(1, keepdims=True)
            draws += 1
    return total / draws
