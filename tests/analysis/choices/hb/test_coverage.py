"""Frequentist coverage of hierarchical Bayes: intervals at a fixed truth, over fresh studies.

A population of normal part-worths is fixed. Every study draws its own 150 respondents, design and
answers; the 95 % intervals of mu, shares of preference, the median respondent's and the market's
willingness to pay are held against the population's own values.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.market import blocks, money_value
from analysis.choices.intervals import estimate_of
from analysis.choices.market_wtp import market_willingness_to_pay
from analysis.choices.price_offset import offsets
from analysis.study import Study
from analysis.tables import check_choices

RESPONDENTS, TASKS, ALTERNATIVES = 150, 8, 3
STUDIES = 400
ALLOWED = 0.022
"""Two standard errors of a coverage of .95 over 400 studies."""
MU = np.array([-0.8, 0.3, -0.6, 0.5, -1.6, -0.5])
"""taste plain, taste sweet, look poor, size small, price per unit, none."""
LESS = np.array(
    [
        [0.7, 0.0, 0.0, 0.0, 0.0, 0.0],
        [-0.3, 0.6, 0.0, 0.0, 0.0, 0.0],
        [0.1, 0.2, 0.6, 0.0, 0.0, 0.0],
        [0.0, -0.2, 0.3, 0.6, 0.0, 0.0],
        [0.1, 0.0, 0.2, 0.0, 0.5, 0.0],
        [0.0, 0.3, 0.0, 0.0, 0.3, 0.9],
    ]
)
"""Cholesky factor of a population that differs less than the prior's variance of 1."""
AS_PRIOR = np.linalg.cholesky(
    np.array(
        [
            [2 / 3, -1 / 3, 0, 0, 0, 0],
            [-1 / 3, 2 / 3, 0, 0, 0, 0],
            [0, 0, 1 / 2, 0, 0, 0],
            [0, 0, 0, 1 / 2, 0, 0],
            [0, 0, 0, 0, 1, 0],
            [0, 0, 0, 0, 0, 1],
        ]
    )
)
"""That of the prior itself: variance 1 for every level, slope and none."""
PRODUCT = {"taste": "plain", "look": "poor", "size": "large", "price": 1.0}
RIVAL = {"taste": "sweet", "look": "good", "size": "small", "price": 1.5}
CHANGE = {"look": "good"}


def the_study() -> Study:
    def levels(*names: str) -> list[dict[str, str]]:
        return [{"id": name, "label": name} for name in names]

    price = [{"id": f"p{n}", "label": f"{n / 2}", "number": n / 2} for n in (1, 2, 3, 4)]
    exercise = {
        "id": "bun",
        "question": "Which?",
        "alternatives": ALTERNATIVES,
        "none": {"label": "None"},
        "attributes": [
            {"id": "taste", "label": "Taste", "levels": levels("plain", "sweet", "salty")},
            {"id": "look", "label": "Look", "levels": levels("poor", "good")},
            {"id": "size", "label": "Size", "levels": levels("small", "large")},
            {
                "id": "price",
                "label": "Price",
                "tag": "price",
                "coding": "linear",
                "levels": price,
            },
        ],
    }
    return Study.model_validate(
        {"study": "s", "title": "S", "currency": "EUR", "exercises": [exercise]}
    )


def answers(study: Study, spread: np.ndarray, seed: int):
    """Choices of fresh respondents in random tasks."""
    rng = np.random.default_rng([seed, 71])
    exercise, shown = study.choice_exercise(), ALTERNATIVES + 1
    rows = RESPONDENTS * TASKS * shown
    frame = pd.DataFrame(
        {
            "respondent": np.repeat(np.arange(RESPONDENTS), TASKS * shown).astype(str),
            "task": np.tile(np.repeat(np.arange(TASKS), shown), RESPONDENTS) + 1,
            "alternative": np.tile(np.arange(shown), RESPONDENTS * TASKS) + 1,
        }
    )
    for attribute in exercise.attributes:
        ids = np.array([level.id for level in attribute.levels], dtype=object)
        frame[attribute.id] = ids[rng.integers(len(ids), size=rows)]
        frame.loc[frame["alternative"] == shown, attribute.id] = None
    beta = MU + rng.standard_normal((RESPONDENTS, len(MU))) @ spread.T
    x = coding_of(study, exercise).matrix(frame).reshape(RESPONDENTS, TASKS, shown, -1)
    utility = np.einsum("ntjk,nk->ntj", x, beta) + rng.gumbel(size=x.shape[:3])
    frame["chosen"] = (utility == utility.max(2, keepdims=True)).ravel()
    return check_choices(frame, exercise)


def market_rows(coding) -> np.ndarray:
    return np.array([coding.row(PRODUCT), coding.row(RIVAL), coding.row(None)])


def shares_of(beta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    utility = beta @ rows.T
    chance = np.exp(utility - utility.max(1, keepdims=True))
    return chance / chance.sum(1, keepdims=True)


def population_values(study: Study, spread: np.ndarray) -> dict[str, float]:
    """The truth, from 600,000 members of the population; the market's by bisection."""
    coding = coding_of(study, study.choice_exercise())
    rng = np.random.default_rng(5)
    beta = MU + rng.standard_normal((300_000, len(MU))) @ spread.T
    beta = np.concatenate([beta, 2 * MU - beta])
    rows = market_rows(coding)
    contrast = coding.contrast("look", "poor", "good")
    price = coding.exercise.price
    amounts = offsets(coding, price, beta @ contrast, beta)
    before = shares_of(beta, rows)[:, 0].mean()
    low, high = 1.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        rows[0] = coding.row({**PRODUCT, **CHANGE, "price": middle})
        if shares_of(beta, rows)[:, 0].mean() > before:
            low = middle
        else:
            high = middle
    found = {f"mu {k}": value for k, value in enumerate(MU)}
    return found | {
        "share": float(before),
        "median willingness to pay": float(np.median(amounts)),
        "market willingness to pay": low - 1.0,
    }


def intervals(study: Study, spread: np.ndarray, seed: int) -> dict[str, tuple[float, float]]:
    """The 95 % intervals of one fresh study."""
    settings = Settings(burn_in=200, draws=600, kept=400)
    fitted = fit_hb(study, answers(study, spread, seed), seed=seed, settings=settings)
    coding, hierarchy = fitted.coding, fitted.hierarchy
    mu = hierarchy.posterior.mu.reshape(-1, coding.width)
    low, high = np.quantile(mu, [0.025, 0.975], axis=0)
    rows = market_rows(coding)
    shares = [
        float(mass @ shares_of(beta, rows)[:, 0])
        for block in blocks(hierarchy, seed)
        for beta, mass in zip(*block, strict=True)
    ]
    contrast = coding.contrast("look", "poor", "good")
    market = market_willingness_to_pay(fitted, PRODUCT, CHANGE, [RIVAL], seed=seed)
    estimates = {
        "share": estimate_of(np.array(shares), n=RESPONDENTS, method=""),
        "median willingness to pay": money_value(fitted, contrast, seed=seed),
        "market willingness to pay": market.price_change,
    }
    found = {f"mu {k}": (low[k], high[k]) for k in range(coding.width)}
    return found | {name: (e.low, e.high) for name, e in estimates.items()}


def coverage(study: Study, spread: np.ndarray) -> dict[str, float]:
    truth = population_values(study, spread)
    inside = dict.fromkeys(truth, 0)
    for seed in range(STUDIES):
        for name, (low, high) in intervals(study, spread, seed).items():
            inside[name] += low <= truth[name] <= high
    return {name: count / STUDIES for name, count in inside.items()}


MARKET = ("share", "median willingness to pay", "market willingness to pay")


@pytest.mark.deep
def test_intervals_cover_a_population_as_the_prior_expects():
    covered = coverage(the_study(), AS_PRIOR)
    for name, share in covered.items():
        # in every draw the bootstrap of respondents comes on top of what the draw does not know
        # of each of them: with few tasks the intervals of market figures are too wide
        above = 1.0 if name in MARKET else 0.95 + ALLOWED
        assert 0.95 - ALLOWED <= share <= above, covered


@pytest.mark.deep
def test_market_figures_cover_where_people_differ_less_than_the_prior_expects():
    """The prior then puts all part-worths on a larger scale, which shares and ratios shed."""
    covered = coverage(the_study(), LESS)
    assert min(covered[name] for name in MARKET) >= 0.95 - ALLOWED, covered
    assert 0.8 < covered["mu 4"] < 0.95, covered
