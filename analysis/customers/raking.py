"""Weights that make respondents look like a population of which some shares are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_CLASS = 30
"""Classes with fewer respondents are merged with the next smallest of their margin."""
MOST_OF_MEDIAN = 5.0
"""Weights above this many times the median are cut."""
TOLERANCE = 1e-8
MOST_ROUNDS = 1000

Floats = np.ndarray


class NoWeights(ValueError):
    """Weights that cannot be had; the message says all reasons."""


@dataclass(frozen=True, slots=True, eq=False)
class Raked:
    """Weights with mean 1, and what they cost.

    Attributes
    ----------
    weights
        Index respondent.
    effective_n
        Kish's (sum w)^2 / sum w^2: as many equally weighted respondents would tell as much.
    merged
        Classes that were too small, in words.
    cut
        How many weights were cut.
    off
        The largest difference between a share wanted and a share reached.
    """

    weights: pd.Series
    effective_n: float
    merged: tuple[str, ...]
    cut: int
    off: float


def rake(
    classes: pd.DataFrame,
    targets: Mapping[str, Mapping[str, float]],
    *,
    base: pd.Series | None = None,
) -> Raked:
    """Rake respondents to known margins.

    Parameters
    ----------
    classes
        One row per respondent (index), one column per margin. Who is missing in a margin keeps
        their share of weight there.
    targets
        The wanted share of every class, by margin; each margin adds up to 1.
    base
        Weights to begin with (same index); equal when None.

    Raises
    ------
    NoWeights
        When targets do not fit the classes, or no weights meet all margins.

    Source
    ------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11; Kish (1965) for the
    effective n; cutting as in DeBell and Krosnick (2009).
    """
    _check(classes, targets)
    merged: list[str] = []
    codes, shares = [], []
    for margin, wanted in targets.items():
        column, share, words = _merged(classes[margin], wanted, margin)
        merged += words
        code, kept = _coded(column, share)
        if len(kept) > 1:
            codes.append(code)
            shares.append(kept)
    first = np.ones(len(classes)) if base is None else base.loc[classes.index].to_numpy(dtype=float)
    weights, cut = _cut(_fitted(first, codes, shares), codes, shares)
    reached = [
        np.abs(_shares(weights, code, len(share)) - share).max()
        for code, share in zip(codes, shares, strict=True)
    ]
    scaled = weights / weights.mean()
    return Raked(
        weights=pd.Series(scaled, index=classes.index, name="weight"),
        effective_n=float(scaled.sum() ** 2 / (scaled**2).sum()),
        merged=tuple(merged),
        cut=cut,
        off=float(max(reached, default=0.0)),
    )


def _check(classes: pd.DataFrame, targets: Mapping[str, Mapping[str, float]]) -> None:
    faults = []
    for margin, wanted in targets.items():
        if margin not in classes:
            faults.append(f"nobody has '{margin}'")
            continue
        if any(share <= 0 for share in wanted.values()) or abs(sum(wanted.values()) - 1) > 0.005:
            faults.append(f"the shares of '{margin}' are not positive numbers that add up to 1")
        met = set(classes[margin].dropna().astype(str))
        faults += [f"'{margin}' has no share for '{c}'" for c in sorted(met - set(wanted))]
        if len(met) < 2:
            faults.append(f"all respondents are alike in '{margin}'")
    if faults:
        raise NoWeights("; ".join(faults))


def _merged(
    column: pd.Series, wanted: Mapping[str, float], margin: str
) -> tuple[pd.Series, dict[str, float], list[str]]:
    """Merge the smallest class with the next smallest until all are large enough."""
    known = column.dropna().astype(str)
    total = sum(wanted.values())
    share = {name: value / total for name, value in wanted.items()}
    words = []
    while len(share) > 1:
        counts = {name: int((known == name).sum()) for name in share}
        smallest, next_one = sorted(counts, key=lambda name: (counts[name], name))[:2]
        if counts[smallest] >= LEAST_CLASS:
            break
        together = f"{next_one} or {smallest}"
        words.append(f"{margin}: {smallest} ({counts[smallest]}) merged with {next_one}")
        share[together] = share.pop(smallest) + share.pop(next_one)
        known = known.replace({smallest: together, next_one: together})
    return known.reindex(column.index), share, words


def _coded(column: pd.Series, share: Mapping[str, float]) -> tuple[np.ndarray, Floats]:
    """Codes by class, the missing last with the share they have."""
    names = list(share)
    code = np.array([names.index(c) if isinstance(c, str) else len(names) for c in column])
    silent = float((code == len(names)).mean())
    wanted = np.array([share[name] * (1 - silent) for name in names] + [silent])
    return code, wanted if silent > 0 else wanted[:-1]


def _shares(weights: Floats, code: np.ndarray, size: int) -> Floats:
    sums: Floats = np.bincount(code, weights=weights, minlength=size) / weights.sum()
    return sums


def _fitted(first: Floats, codes: list[np.ndarray], shares: list[Floats]) -> Floats:
    weights: Floats = first / first.sum()
    for _ in range(MOST_ROUNDS):
        off = 0.0
        for code, share in zip(codes, shares, strict=True):
            now = _shares(weights, code, len(share))
            off = max(off, float(np.abs(now - share).max()))
            weights = weights * (share / np.where(now > 0, now, 1.0))[code]
        if off < TOLERANCE:
            return weights
    raise NoWeights(f"no weights meet all margins (off by {off:.3f} after {MOST_ROUNDS} rounds)")


def _cut(weights: Floats, codes: list[np.ndarray], shares: list[Floats]) -> tuple[Floats, int]:
    """Cut large weights and give what they lose to the rest, by raking once more."""
    cut = weights > MOST_OF_MEDIAN * np.median(weights)
    if not cut.any():
        return weights, 0
    trimmed = np.minimum(weights, MOST_OF_MEDIAN * np.median(weights))
    again = _fitted(trimmed, codes, shares)
    return np.minimum(again, MOST_OF_MEDIAN * np.median(again)), int(cut.sum())
