"""How well scores foretell later value: on customers held out, in weeks that came later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
TOP = 0.10
REPEATS = 400


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores judged on the same customers.

    Attributes
    ----------
    figures
        One row per score and figure (rank_correlation, top_decile_capture, predicted_to_actual):
        score, figure, value, low, high, n; gain, gain_low, gain_high against points.
    calibration
        By tenth of the composite score, the lowest first: tenth, n, predicted, actual (means),
        actual_low, actual_high.
    """

    figures: pd.DataFrame
    calibration: pd.DataFrame


def judge(
    scores: dict[str, Floats], value: Floats, *, expected: tuple[str, ...], seed: int
) -> Judged:
    """Judge scores (higher: more value) by what customers spent later.

    Intervals are percentiles of a bootstrap over customers, the same draws for all scores, so
    that gains are paired. Ranks are those of the whole sample. Ties in a score are broken at
    random, once.

    Parameters
    ----------
    scores
        By name; 'points' and 'composite' among them.
    value
        (N,) later spend.
    expected
        The scores that are expectations in units of currency, so that their sum can be held
        against the sum of values.
    """
    generator = np.random.default_rng(seed)
    n = len(value)
    weights = generator.multinomial(n, np.full(n, 1 / n), REPEATS).astype(float)
    jitter = generator.permutation(n)
    measured: dict[tuple[str, str], tuple[float, Floats]] = {}
    ones, ranks = np.ones((1, n)), rankdata(value)
    for name, score in scores.items():
        own = rankdata(score)
        measured[name, "rank_correlation"] = (
            float(_correlations(own, ranks, ones)[0]),
            _correlations(own, ranks, weights),
        )
        order = np.lexsort((jitter, -score))
        measured[name, "top_decile_capture"] = (
            float(_captures(order, value, ones)[0]),
            _captures(order, value, weights),
        )
        if name in expected:
            measured[name, "predicted_to_actual"] = (
                float(score.sum() / value.sum()),
                (weights @ score) / (weights @ value),
            )
    rows = [_row(name, figure, measured, n) for name, figure in measured]
    return Judged(pd.DataFrame(rows), _calibration(scores["composite"], value))


def _row(
    name: str, figure: str, measured: dict[tuple[str, str], tuple[float, Floats]], n: int
) -> dict[str, object]:
    value, draws = measured[name, figure]
    low, high = np.percentile(draws, [2.5, 97.5])
    row: dict[str, object] = {
        "score": name, "figure": figure, "value": value, "low": low, "high": high, "n": n,
        "gain": np.nan, "gain_low": np.nan, "gain_high": np.nan,
    }  # fmt: skip
    if figure != "predicted_to_actual" and name != "points":
        points, point_draws = measured["points", figure]
        gain = np.percentile(draws - point_draws, [2.5, 97.5])
        row |= {"gain": value - points, "gain_low": gain[0], "gain_high": gain[1]}
    return row


def _correlations(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Correlation of two columns under each row of weights."""
    total = weights.sum(axis=1)
    mean_a, mean_b = weights @ a / total, weights @ b / total
    cross = weights @ (a * b) / total - mean_a * mean_b
    spread = (weights @ a**2 / total - mean_a**2) * (weights @ b**2 / total - mean_b**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cross / np.sqrt(spread)
    return np.asarray(np.where(spread > 0, found, 0.0), dtype=float)


def _captures(order: NDArray[np.int64], value: Floats, weights: Floats) -> Floats:
    """Share of value held by the first tenth of customers in an order."""
    sorted_weights, sorted_value = weights[:, order], value[order]
    before = np.cumsum(sorted_weights, axis=1) - sorted_weights
    wanted = TOP * weights.sum(axis=1)[:, None]
    inside = np.clip(wanted - before, 0, sorted_weights)
    total = weights @ value
    return np.asarray((inside @ sorted_value) / np.where(total > 0, total, np.nan), dtype=float)


def _calibration(expected: Floats, value: Floats) -> pd.DataFrame:
    tenth = np.minimum(np.argsort(np.argsort(expected, kind="stable")) * 10 // len(value), 9) + 1
    table = pd.DataFrame({"tenth": tenth, "predicted": expected, "actual": value})
    found = table.groupby("tenth", as_index=False).agg(
        n=("actual", "size"),
        predicted=("predicted", "mean"),
        actual=("actual", "mean"),
        spread=("actual", "std"),
    )
    half = 1.959963984540054 * found["spread"].fillna(0) / np.sqrt(found["n"])
    found["actual_low"] = (found["actual"] - half).clip(lower=0)
    found["actual_high"] = found["actual"] + half
    return found.drop(columns="spread")
