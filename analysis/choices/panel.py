"""A panel: the tasks of each respondent together, as differences from the chosen alternative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Floats
from analysis.choices.sets import ChoiceSets, Places

CONDITION = 1e-10
"""Smallest eigenvalue of a scaled information that counts as a strict maximum."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Tasks sorted by respondent.

    Attributes
    ----------
    differences
        (tasks, others, K): each other alternative less the chosen one; zero where not offered.
    offered
        (tasks, others): False fills tasks of fewer alternatives up.
    respondent, starts
        (tasks,) place of the respondent, and (respondents,) the first task of each.
    respondents, weight
        (respondents,) names, and weights with a mean of 1.
    """

    differences: Floats
    offered: NDArray[np.bool_]
    respondent: Places
    starts: Places
    respondents: tuple[str, ...]
    weight: Floats

    def by_respondent(self, values: Floats) -> Floats:
        """Sums over the tasks of each respondent."""
        sums: Floats = np.add.reduceat(values, self.starts, axis=0)
        return sums

    def of(self, respondent: int) -> Panel:
        """The tasks of one respondent alone."""
        ends = np.append(self.starts, len(self.respondent))
        tasks = slice(int(ends[respondent]), int(ends[respondent + 1]))
        return Panel(
            self.differences[tasks],
            self.offered[tasks],
            np.zeros(tasks.stop - tasks.start, dtype=np.intp),
            np.zeros(1, dtype=np.intp),
            self.respondents[respondent : respondent + 1],
            self.weight[respondent : respondent + 1],
        )

    def chances(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Log-chance of each choice (tasks, C) and chances of the others (tasks, others, C).

        ``coefficients`` is (C, K): C sets of coefficients at once.
        """
        tasks, others, width = self.differences.shape
        flat = self.differences.reshape(-1, width) @ coefficients.T
        utilities: Floats = flat.reshape(tasks, others, len(coefficients))
        if not self.offered.all():
            utilities[~self.offered] = -np.inf
        # alternatives one by one: NumPy reduces along a short axis in the middle slowly
        top = np.zeros((tasks, len(coefficients)))
        for other in range(others):
            np.maximum(top, utilities[:, other], out=top)
        total = np.exp(-top)
        for other in range(others):
            utilities[:, other] -= top
            total += np.exp(utilities[:, other], out=utilities[:, other])
        for other in range(others):
            utilities[:, other] /= total
        return -top - np.log(total), utilities


def panel_of(sets: ChoiceSets) -> Panel:
    """The panel of choice sets; respondents in the order of ``sets.respondents``."""
    others = max(group.size for group in sets.groups) - 1
    differences = np.zeros((sets.n_tasks, others, sets.coding.width))
    offered = np.zeros((sets.n_tasks, others), dtype=bool)
    for chunk in sets.chunks():
        tasks, size = len(chunk.chosen), chunk.size
        x = chunk.x.reshape(tasks, size, -1)
        ahead = np.arange(tasks)
        x = x - x[ahead, chunk.chosen][:, None, :]
        kept = np.ones((tasks, size), dtype=bool)
        kept[ahead, chunk.chosen] = False
        differences[chunk.place, : size - 1] = x[kept].reshape(tasks, size - 1, -1)
        offered[chunk.place, : size - 1] = True
    order = np.argsort(sets.respondent, kind="stable")
    respondent = sets.respondent[order]
    starts = np.flatnonzero(np.diff(respondent, prepend=-1))
    weight = sets.weight[order][starts]
    return Panel(differences[order], offered[order], respondent, starts, sets.respondents, weight)


class Evaluation(Protocol):
    """Value, gradient (P,) and observed information (P, P) of a log-likelihood at a point."""

    @property
    def log_likelihood(self) -> float: ...
    @property
    def gradient(self) -> Floats: ...
    @property
    def information(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Summit:
    """Where a climb ended; ``strict``: at a strict local maximum, to the last digits."""

    point: Floats
    steps: int
    strict: bool


def climb(
    evaluate: Callable[[Floats], Evaluation],
    start: Floats,
    *,
    max_steps: int = 100,
    tolerance: float = 1e-10,
) -> Summit:
    """Newton steps with halving, also where the log-likelihood is not concave.

    Eigenvalues of the scaled information that are negative or near zero are replaced by their
    size (at least a millionth of the largest), so that every step leads uphill. Ends when the
    decrement g'H^-1 g is below ``tolerance`` log-likelihood units.
    """
    point, here = start, evaluate(start)
    for step in range(1, max_steps + 1):
        scale = np.sqrt(np.maximum(np.abs(np.diag(here.information)), 1e-12))
        values, vectors = np.linalg.eigh(here.information / np.outer(scale, scale))
        safe = np.maximum(np.abs(values), 1e-6 * np.abs(values).max())
        along = vectors.T @ (here.gradient / scale)
        direction = vectors @ (along / safe) / scale
        if float(along @ (along / safe)) < tolerance:
            return Summit(point, step, bool(values[0] > CONDITION))
        length, least = 1.0, here.log_likelihood - 1e-13 * abs(here.log_likelihood)
        while not (there := evaluate(point + length * direction)).log_likelihood >= least:
            length /= 2
            if length < 1e-9:
                return Summit(point, step, False)
        point, here = point + length * direction, there
    return Summit(point, max_steps, False)


def inverse(information: Floats) -> Floats:
    """The inverse of an information, scaled for precision."""
    scale = np.sqrt(np.diag(information))
    found: Floats = np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale)
    return found
