"""The limit of an aggregate logit on the demo's design, for people as the demo plants them.

Choice shares in every task are averaged over 200,000 simulated people (their exact logit
probabilities, so no noise of choosing is added), and one logit is fitted to these shares.
Run from the project's folder: python tests/published/pastry_limit/make_limit.py > limit.json
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from analysis.choices.coding import coding_of
from analysis.choices.design import make_tasks
from analysis.study import read_study
from analysis.synthetic.pastry import ChoiceTruth, draw_part_worths

STUDY = Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml"


def limit(people: int = 200_000, seed: int = 20260101) -> dict[str, float]:
    """Coefficients by '<attribute>.<level>', on the coding of the estimator."""
    study = read_study(STUDY)
    exercise = study.choice_exercise()
    tasks = make_tasks(exercise)
    tasks = tasks[tasks["role"] == "estimation"].sort_values(["block", "task", "alternative"])
    alternatives = tasks.to_dict("records")
    names = [a.id for a in exercise.attributes]
    coding = coding_of(study, exercise)
    rows = np.array([coding.row({n: a[n] for n in names}) for a in alternatives])
    sets = rows.reshape(-1, exercise.alternatives, coding.width)
    none = np.broadcast_to(coding.row(None), (len(sets), 1, coding.width))
    x = np.concatenate([sets, none], axis=1)
    shares = average_shares(alternatives, len(sets), people, seed)
    return fit(x, shares, [f"{c.attribute}.{c.level}" for c in coding.columns])


def average_shares(alternatives, sets: int, people: int, seed: int) -> np.ndarray:
    """Mean choice probabilities, (sets, alternatives + 1); the last one is none."""
    truth = ChoiceTruth()
    generator = np.random.default_rng(seed)
    numbers = {
        v.id: v.number for v in read_study(STUDY).choice_exercise().attribute("price").levels
    }
    keys = list(truth.levels)
    shown = np.array([[float(a[n] == v) for n, v in keys] for a in alternatives])
    price = np.array([numbers[a["price"]] - truth.price_centre for a in alternatives])
    total = np.zeros((sets, len(alternatives) // sets + 1))
    for _ in range(people // 1000):
        drawn = draw_part_worths(truth, 1000, generator)
        worths = np.array([drawn[f"{n}.{v}"] for n, v in keys])
        utility = (shown @ worths + price[:, None] * drawn["price"]).reshape(sets, -1, 1000)
        none = np.broadcast_to(drawn["none"], (sets, 1, 1000))
        e = np.exp(np.concatenate([utility, none], axis=1))
        total += (e / e.sum(axis=1, keepdims=True)).sum(axis=2)
    return total / people


def fit(x: np.ndarray, shares: np.ndarray, names: list[str]) -> dict[str, float]:
    """Newton steps of a logit on shares, (sets, alternatives)."""
    b = np.zeros(x.shape[2])
    for _ in range(30):
        p = np.exp(x @ b)
        p /= p.sum(axis=1, keepdims=True)
        centred = x - (p[:, :, None] * x).sum(axis=1, keepdims=True)
        gradient = np.einsum("sj,sjk->k", shares - p, x)
        information = np.einsum("sj,sjk,sjl->kl", p, centred, centred)
        b = b + np.linalg.solve(information, gradient)
    return dict(zip(names, (float(v) for v in b), strict=True))


if __name__ == "__main__":
    print(json.dumps(limit(), indent=2))
