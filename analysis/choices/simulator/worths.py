"""Part-worths to simulate with, as the estimators left them, and who they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding

Singles = NDArray[np.float32]
Kind = Literal["draws", "means", "logit", "classes"]
EVERYBODY = "everybody"
FEWEST = 10
"""Respondents below which a segment is suppressed, and a market is not simulated."""
MOST_CELLS = 1_000_000
"""Draws times respondents that a simulation goes through; more draws are thinned."""
FEWEST_DRAWS = 200
LOGIT_DRAWS = 2_000
RESAMPLES = 1_000


class NoWorths(ValueError):
    """There is nothing to simulate with, or it does not fit the study."""


@dataclass(frozen=True, slots=True, eq=False)
class Worths:
    """Part-worths of N respondents.

    Attributes
    ----------
    kind
        'draws': of every respondent, from hierarchical Bayes; 'means': one point for every
        respondent; 'logit': draws of one set of part-worths for everybody; 'classes': one set for
        each class, and to which respondents belong by chance.
    points
        (D, N, K) float32 for draws, possibly mapped from a file; (1, N, K) for means; (D, 1, K)
        for a logit; (C, 1, K) for classes.
    mass
        (B, N) float32, rows adding up to one: respondents reweighted by a Bayesian bootstrap, once
        for each draw; for means and classes B times. For a logit (D, 1).
    member
        (S, N) float32: how much of each respondent belongs to a segment; the first is everybody.
    segments
        Names of the segments.
    belonging
        classes: (N, C) chances of the respondents; None for others.
    n
        Respondents of every segment with a weight above zero.
    seed
        Of the bootstrap, and of everything drawn later.
    kept_of
        Draws saved; ``points`` may be every so-manieth of them.
    constants
        (D,) float32 by product, added to the utility of whatever has its name: a calibration.
    """

    coding: Coding
    kind: Kind
    respondents: tuple[str, ...]
    points: Singles
    mass: Singles
    member: Singles
    segments: tuple[str, ...]
    n: tuple[int, ...]
    seed: int
    kept_of: int
    belonging: Singles | None = None
    constants: Mapping[str, Singles] = field(default_factory=dict)

    def thinned(self, cells: int) -> Worths:
        """The same with fewer draws, evenly spread, but not fewer than 200."""
        if self.kind not in ("draws", "logit"):
            return self
        wanted = max(FEWEST_DRAWS, cells // self.points.shape[1])
        at = _evenly(len(self.points), wanted)
        constants = {name: drawn[at] for name, drawn in self.constants.items()}
        return replace(self, points=self.points[at], mass=self.mass[at], constants=constants)

    def shifts(self, products: Sequence[tuple[str, float]]) -> Singles:
        """What is added to utilities, (D, J), or (1, J) where it is the same in every draw.

        Of products as names and factors: the logarithm of the factor, and the constant of the name.
        """
        plain = np.log([[factor for _, factor in products]]).astype(np.float32)
        if not self.constants:
            return plain
        drawn = {plain_name(name): constant for name, constant in self.constants.items()}
        none = np.zeros(len(self.points), dtype=np.float32)
        own = np.stack([drawn.get(plain_name(name), none) for name, _ in products], axis=1)
        found: Singles = plain + own
        return found

    def at_means(self) -> Worths:
        """Of the mean draw of every respondent, where there are draws of respondents."""
        if self.kind != "draws":
            return self
        means = self.points.mean(axis=0, dtype=float).astype(np.float32)
        return replace(self, kind="means", points=means[None])

    def only(self, segment: str) -> Worths:
        """Of one segment; KeyError when it is not known."""
        if segment not in self.segments:
            raise KeyError(f"there is no segment '{segment}'; known: {', '.join(self.segments)}")
        k = self.segments.index(segment)
        return replace(
            self, member=self.member[k : k + 1], segments=(segment,), n=self.n[k : k + 1]
        )


def plain_name(name: str) -> str:
    """A product's name by which it is told apart: whatever the case, '_' a space."""
    return " ".join(name.replace("_", " ").casefold().split())


def _evenly(length: int, wanted: int) -> slice:
    return slice(None, None, max(1, -(-length // max(wanted, 1))))


def from_draws(
    coding: Coding, respondents: Sequence[str], beta: Singles, *, seed: int, cells: int = MOST_CELLS
) -> Worths:
    """Of draws (D, N, K) of everybody's part-worths, which stay where they are."""
    if beta.ndim != 3 or beta.shape[1:] != (len(respondents), coding.width):
        raise NoWorths(
            f"the draws have the shape {beta.shape}, not draws x {len(respondents)} respondents x "
            f"{coding.width} columns of the exercise '{coding.exercise.id}'"
        )
    if len(beta) < FEWEST_DRAWS:
        raise NoWorths(f"{len(beta)} draws are too few; save {FEWEST_DRAWS} or more")
    wanted = max(FEWEST_DRAWS, cells // len(respondents))
    kept = beta[_evenly(len(beta), wanted)]
    mass = _bootstrap(len(kept), len(respondents), seed)
    return _of_everybody(coding, "draws", respondents, kept, mass, seed, len(beta))


def from_means(coding: Coding, respondents: Sequence[str], beta: Singles, *, seed: int) -> Worths:
    """Of one point (N, K) for every respondent."""
    mass = _bootstrap(RESAMPLES, len(respondents), seed)
    points = np.ascontiguousarray(beta, dtype=np.float32)[None]
    return _of_everybody(coding, "means", respondents, points, mass, seed, 1)


def from_logit(
    coding: Coding, beta: Singles, covariance: Singles | None, *, n: int, seed: int
) -> Worths:
    """Of one set of part-worths (K,) and its covariance; without one there is no interval."""
    rng = np.random.default_rng(seed)
    if covariance is None:
        points = np.tile(np.asarray(beta, dtype=np.float32), (2, 1))
    else:
        drawn = rng.multivariate_normal(beta, covariance, size=LOGIT_DRAWS, method="eigh")
        points = drawn.astype(np.float32)
    ones = np.ones((len(points), 1), dtype=np.float32)
    return Worths(
        coding, "logit", (), points[:, None], ones, ones[:1], (EVERYBODY,), (n,), seed, len(points)
    )


def from_classes(
    coding: Coding, respondents: Sequence[str], beta: Singles, belonging: Singles, *, seed: int
) -> Worths:
    """Of classes (C, K) to which respondents belong by chances (N, C)."""
    mass = _bootstrap(RESAMPLES, len(respondents), seed)
    points = np.ascontiguousarray(beta, dtype=np.float32)[:, None]
    found = _of_everybody(coding, "classes", respondents, points, mass, seed, len(points))
    return replace(found, belonging=np.asarray(belonging, dtype=np.float32))


def weighted(worths: Worths, weights: Mapping[str, float]) -> Worths:
    """The same with respondents counted by weight; NoWorths naming those who have none."""
    if not worths.respondents:
        raise NoWorths("the weights of a logit belong to its fit; give them to 'partworths'")
    missing = [name for name in worths.respondents if name not in weights]
    if missing:
        shown = ", ".join(missing[:5])
        raise NoWorths(f"{len(missing)} respondents have no weight: {shown}")
    given = np.array([weights[name] for name in worths.respondents], dtype=np.float32)
    if not (np.isfinite(given).all() and (given >= 0).all() and given.any()):
        raise NoWorths("weights are numbers of zero or more, and not all zero")
    mass = worths.mass * given
    mass /= mass.sum(axis=1, keepdims=True)
    n = tuple(int(((row > 0) & (given > 0)).sum()) for row in worths.member)
    return replace(worths, mass=mass, n=n)


def divided(worths: Worths, members: Mapping[str, NDArray[np.floating]]) -> Worths:
    """The same with segments: how much of each respondent (N,) belongs to it, by its name."""
    if not worths.respondents:
        raise NoWorths("a logit has one set of part-worths for everybody, and so no segments")
    counted = worths.mass[0] > 0
    rows = [worths.member[0], *(np.asarray(m, dtype=np.float32) for m in members.values())]
    soft = [round(float((row * counted).sum())) for row in rows]
    return replace(worths, member=np.array(rows), segments=(EVERYBODY, *members), n=tuple(soft))


def _of_everybody(
    coding: Coding,
    kind: Kind,
    respondents: Sequence[str],
    points: Singles,
    mass: Singles,
    seed: int,
    kept_of: int,
) -> Worths:
    n = len(respondents)
    if n < FEWEST:
        raise NoWorths(f"{n} respondents: a market needs {FEWEST} or more")
    member = np.ones((1, n), dtype=np.float32)
    names = tuple(respondents)
    return Worths(coding, kind, names, points, mass, member, (EVERYBODY,), (n,), seed, kept_of)


def _bootstrap(draws: int, people: int, seed: int) -> Singles:
    """Weights of a Bayesian bootstrap (Rubin 1981), one row a draw."""
    rng = np.random.default_rng(seed)
    mass = rng.standard_exponential((draws, people), dtype=np.float32)
    mass /= mass.sum(axis=1, keepdims=True)
    return mass
