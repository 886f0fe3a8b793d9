"""Money values of upgrades over many planted companies: of choices alone, so that many can be had.

Whole companies (``test_proof.py``) are too few to tell .90 from .95.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.choices.design import make_tasks
from analysis.choices.mnl import fit_mnl
from analysis.choices.willingness_to_pay import money_of
from analysis.synthetic.planted import PlantedTruth, draw_tastes
from analysis.tables import check_choices
from tests.analysis.value_report.proof import DEMO, true_money

EXERCISE = DEMO.choice_exercise()
RESPONDENTS = 400
TASK = ["respondent", "task"]


def shown_tasks():
    """Rows of the design of every block with none as a last alternative."""
    tasks = make_tasks(EXERCISE)
    tasks = tasks[tasks["role"] == "estimation"]
    none = tasks.drop_duplicates(["block", "task"]).assign(
        alternative=EXERCISE.alternatives + 1, **{a.id: None for a in EXERCISE.attributes}
    )
    rows = pd.concat([tasks, none]).sort_values(["block", "task", "alternative"])
    return dict(list(rows.groupby("block")))


def choices_of(truth, blocks, rng):
    """Everybody's choices in tasks of a block by turns: the highest utility with Gumbel errors."""
    _, worths = draw_tastes(truth, RESPONDENTS, rng)
    turns = [blocks[sorted(blocks)[n % len(blocks)]] for n in range(RESPONDENTS)]
    frame = pd.concat(turns, ignore_index=True)
    who = np.repeat(np.arange(RESPONDENTS), [len(turn) for turn in turns])
    prices = {level.id: level.number for level in EXERCISE.attribute("price").levels}
    apart = frame["price"].map(prices).astype(float) - truth.tastes[0][0].price_centre
    utility = np.where(apart.isna(), worths["none"][who], apart.fillna(0) * worths["price"][who])
    for name in (name for name in worths if "." in name):
        attribute, level = name.split(".")
        utility = utility + (frame[attribute] == level) * worths[name][who]
    noisy = pd.Series(utility + rng.gumbel(size=len(frame)))
    frame["respondent"] = [f"r{n:05d}" for n in who]
    best = noisy.groupby([frame[key] for key in TASK]).transform("max")
    return check_choices(frame.assign(exercise=EXERCISE.id, chosen=(noisy == best) * 1), EXERCISE)


@pytest.mark.deep
def test_money_values_of_upgrades_cover_their_limit():
    studies, truth, limit = 200, PlantedTruth(), true_money()[0]
    blocks, rng = shown_tasks(), np.random.default_rng(77)
    firsts = {a.id: a.levels[0].id for a in EXERCISE.attributes}
    inside = {change: [] for change in limit}
    for _ in range(studies):
        choices = choices_of(truth, blocks, rng)
        names = choices.frame["respondent"].unique()
        # as after raking by purchases: from .5 to 2.5, three quarters of the respondents' worth
        weights = dict(zip(names, np.exp(rng.normal(0, 0.55, len(names))), strict=True))
        fitted = fit_mnl(DEMO, choices, weights=weights)
        for (attribute, level), worth in limit.items():
            contrast = fitted.coding.contrast(attribute, firsts[attribute], level)
            found = money_of(fitted, contrast)
            inside[attribute, level].append(found.low <= worth <= found.high)
    covered = {change: sum(found) for change, found in inside.items()}
    print(covered, "of", studies)
    least, most = stats.binom.ppf([0.001, 0.999], studies, 0.95)
    assert all(least <= count <= most for count in covered.values())
