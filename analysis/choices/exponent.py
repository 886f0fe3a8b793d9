"""Tuning the exponent of share of preference on half of the holdout tasks, judging on the rest.

The exponent multiplies all utilities, in every draw, before shares are taken: above 1 people choose
what they like with fewer errors than the part-worths say, below 1 with more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.choices.beliefs import Beliefs, Fitted, Point, beliefs_of
from analysis.choices.bootstrap import FEWEST, METHOD, mean_of_answers, resamples
from analysis.choices.coding import Floats
from analysis.choices.holdout import Predicted, Tasks, scores_of, tasks_of
from analysis.choices.intervals import estimate_of
from analysis.choices.simulator.exponent import FILE, Exponent, Judged, Tuned
from analysis.choices.simulator.holdouts import NONE_ASKED
from analysis.estimate import Estimate, unavailable
from analysis.tables import Choices

LEAST, GREATEST = 0.2, 5.0
"""The exponents tried lie between these."""
TRIED: NDArray[np.float64] = np.geomspace(LEAST, GREATEST, 33)
"""Evenly spaced in the logarithm; between them the loss is taken for a parabola."""
DRAWS = 200
"""Draws of hierarchical Bayes to tune on, evenly spread; the judging uses all."""


def write_exponent(folder: Path, fitted: Fitted, choices: Choices, *, seed: int) -> None:
    """Write exponent.json beside a fit's part-worths; where nothing can be tuned, the reason."""
    found = tune(beliefs_of(fitted, choices, seed=seed), choices, seed=seed)
    (folder / FILE).write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")


def tune(beliefs: Beliefs, choices: Choices, *, seed: int) -> Exponent:
    """Tune the exponent on half of the holdout tasks and judge it on the other half.

    Parameters
    ----------
    beliefs
        Of the fit, which has not seen the holdout tasks.
    choices
        As fitted, holdouts included.
    seed
        Of the split and of the bootstrap.

    Notes
    -----
    Tasks are split by name, so that those that everybody saw alike stay whole and shares can be
    judged. Log-loss is of chances averaged over draws; every respondent counts alike.
    """
    held = choices.frame.loc[choices.frame["role"] == "holdout", "task"]
    if held.empty:
        return Exponent(reason=f"No tuned exponent, it is 1. {NONE_ASKED}")
    names = sorted(held.unique().tolist(), key=str)
    if len(names) < 2:
        return Exponent(
            reason="No tuned exponent, it is 1: there is one holdout task, and tuning takes "
            "half of the tasks. Ask two or more next time ('holdouts: 2' in the exercise)."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    first = [names[n] for n in sorted(order[: len(names) // 2])]
    rest = [name for name in names if name not in first]
    value = _tuned(beliefs, _only(beliefs, choices, first), seed)
    if value.value is None:
        return Exponent(reason=f"No tuned exponent, it is 1: {value.reason}.")
    judging = _only(beliefs, choices, rest)
    plain, own = _predicted(beliefs, judging, 1.0), _predicted(beliefs, judging, value.value)
    gains = np.log(own.answered) - np.log(plain.answered)
    counts = judging.sums(np.ones(len(gains)))
    return Exponent(
        tuned=Tuned(
            exponent=value,
            at_bound=not LEAST * 1.001 < value.value < GREATEST / 1.001,
            tuned_on=tuple(str(name) for name in first),
            judged_on=tuple(str(name) for name in rest),
            answers=len(judging.person),
            one=_judged(judging, plain, 1.0, seed),
            own=_judged(judging, own, value.value, seed),
            gain=mean_of_answers(judging.sums(gains), counts, seed=seed, unit="nats"),
        )
    )


def _only(beliefs: Beliefs, choices: Choices, names: list[Any]) -> Tasks:
    """The holdout tasks of these names."""
    frame = choices.frame
    own = frame[(frame["role"] == "holdout") & frame["task"].isin(names)]
    found = tasks_of(beliefs.coding, replace(choices, frame=own), "holdout")
    assert found is not None
    return found


def _predicted(
    beliefs: Beliefs, tasks: Tasks, exponent: float, *, most: int | None = None
) -> Predicted:
    """Predictions with all utilities multiplied, in every draw."""

    def scaled() -> Iterator[Point]:
        for beta, weight in beliefs.points(tasks.people, most=most):
            yield exponent * beta, weight

    return tasks.predict(scaled())


def _tuned(beliefs: Beliefs, tasks: Tasks, seed: int) -> Estimate:
    """The exponent of least log-loss; the interval resamples respondents."""
    people = len(tasks.people)
    if people < FEWEST:
        reason = f"{people} respondents answered holdout tasks, tuning needs {FEWEST}"
        return unavailable(reason, n=people, method=METHOD)
    losses = np.array(
        [
            tasks.sums(-np.log(_predicted(beliefs, tasks, float(one), most=DRAWS).answered))
            for one in TRIED
        ]
    )
    drawn = np.concatenate([_least(weights @ losses.T) for weights in resamples(people, seed)])
    value = float(_least(losses.sum(axis=1)[None])[0])
    method = f"least log-loss on half of the holdout tasks; {METHOD}"
    return estimate_of(drawn, value=value, n=people, method=method, unit="")


def _least(losses: Floats) -> Floats:
    """The exponent of least loss of each row of losses (R, exponents tried).

    A parabola in the logarithm of the exponent through the best one tried and its neighbours.
    """
    rows = np.arange(len(losses))
    at = losses.argmin(axis=1)
    inner = np.clip(at, 1, len(TRIED) - 2)
    before, here, after = (losses[rows, inner + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(bend > 0, 0.5 * (before - after) / bend, 0.0)
    step = np.where(at == inner, np.clip(step, -1, 1), 0.0)
    logs = np.log(TRIED)
    found: Floats = np.exp(logs[at] + step * (logs[1] - logs[0]))
    return found


def _judged(tasks: Tasks, predicted: Predicted, exponent: float, seed: int) -> Judged:
    scores = scores_of("", tasks, predicted, seed)
    shares = scores.shares
    return Judged(
        exponent=exponent,
        log_loss=scores.log_loss,
        hit_rate=scores.hit_rate,
        mae=shares.mae,
        noise=shares.noise,
        why_no_mae=shares.reason,
    )
